"""The data set: long tail, forms of data, errors, and random draws."""

import pickle
import re

import numpy as np
import pytest
from mmaction.datasets import PoseDataset
from mmaction.structures import ActionDataSample
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset

from mmshapmix.datasets import (
    LongTailPoseDataset,
    get_class_counts,
    get_labels,
    lacks_labels,
    shared_names,
)
from mmshapmix.functional.longtail import long_tail_counts

from ..conftest import make_annotations, make_data

TAIL = dict(max_per_class=12, imbalance_ratio=4)


def fails(*args, **kwargs):
    raise AssertionError('the pipeline was run')


def names_of(dataset):
    return [dataset.get_data_info(i)['frame_dir'] for i in range(len(dataset))]


def test_profile_gives_its_counts(write):
    path = write(make_data(5, 12))
    dataset = LongTailPoseDataset(path, [], split='train', long_tail=TAIL)
    expected = long_tail_counts(5, 12, 4)
    assert dataset.class_counts.tolist() == expected.tolist()
    assert len(dataset) == expected.sum() < 60
    for i, name in enumerate(names_of(dataset)):
        assert int(name[-3:]) - 1 == dataset.labels[i]


def test_same_seed_same_samples_whatever_the_annotations_order(write):
    data = make_data(5, 12)
    first = LongTailPoseDataset(write(data), [], split='train', long_tail=TAIL)
    data['annotations'].reverse()
    second = LongTailPoseDataset(
        write(data, 'b.pkl'), [], split='train', long_tail=TAIL
    )
    other = LongTailPoseDataset(
        write(data), [], split='train', long_tail=dict(seed=1, **TAIL)
    )
    assert names_of(first) == names_of(second)
    assert set(names_of(first)) != set(names_of(other))


def test_class_order_puts_another_class_first(write):
    dataset = LongTailPoseDataset(
        write(make_data(3, 12)),
        [],
        split='train',
        long_tail=dict(class_order=[2, 0, 1], **TAIL),
    )
    head, middle, tail = long_tail_counts(3, 12, 4)
    assert dataset.class_counts.tolist() == [middle, tail, head]
    with pytest.raises(ValueError, match='class_order.*once'):
        LongTailPoseDataset(
            write(make_data(3, 12)),
            [],
            long_tail=dict(class_order=[0, 0, 1], **TAIL),
        )


def test_without_a_tail_it_is_posedataset(write):
    path = write(make_data(3, 4))
    ours = LongTailPoseDataset(path, [], split='val', test_mode=True)
    stock = PoseDataset(path, [], split='val', test_mode=True)
    assert names_of(ours) == names_of(stock)
    for i in range(len(stock)):
        a, b = ours.get_data_info(i), stock.get_data_info(i)
        np.testing.assert_array_equal(a.pop('keypoint'), b.pop('keypoint'))
        assert a == b


def test_a_list_file_chooses(write, tmp_path):
    path = write(make_data(3, 4))
    chosen = ['S002A003', 'S000A001', 'S001A001']
    (tmp_path / 'list.txt').write_text('\n'.join(chosen))
    dataset = LongTailPoseDataset(
        path,
        [],
        split='train',
        num_classes=3,
        sample_list=str(tmp_path / 'list.txt'),
    )
    assert names_of(dataset) == chosen
    assert dataset.class_counts.tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match='long_tail.*sample_list.*both'):
        LongTailPoseDataset(path, [], sample_list='x', long_tail=TAIL)


def test_class_names_come_from_the_pickle_or_the_config(write):
    path = write(dict(make_data(2, 1), classes=['wave', 'kick']))
    dataset = LongTailPoseDataset(path, [])
    assert RepeatDataset(dataset, 2).metainfo == dict(classes=['wave', 'kick'])
    mine = LongTailPoseDataset(path, [], metainfo=dict(classes=['a', 'b']))
    assert mine.metainfo['classes'] == ['a', 'b']


def test_bare_list_of_annotations(write):
    dataset = LongTailPoseDataset(write(make_annotations(3, 2)), [])
    assert dataset.class_counts.tolist() == [2, 2, 2]


@pytest.mark.parametrize('indices', [4, -4, [0, 5, 7]])
def test_labels_follow_subsets(write, indices):
    path = write(make_data(3, 4))
    whole = LongTailPoseDataset(path, [], num_classes=3)
    expected = {4: [0, 1, 2, 0], -4: [2, 0, 1, 2]}.get(
        indices if isinstance(indices, int) else None, [0, 2, 1]
    )
    at_once = LongTailPoseDataset(path, [], num_classes=3, indices=indices)
    subset = whole.get_subset(indices)
    for dataset in (at_once, subset):
        assert dataset.labels.tolist() == expected
        infos = [dataset.get_data_info(i)['label'] for i in range(3)]
        assert infos == expected[:3]
    assert len(whole.labels) == 12
    whole.get_subset_(indices)
    assert (
        whole.class_counts.tolist()
        == np.bincount(expected, minlength=3).tolist()
    )


def test_labels_and_counts_through_wrappers_without_a_pipeline(write):
    dataset = LongTailPoseDataset(
        write(make_data(3, 12)), [fails], split='train', long_tail=TAIL
    )
    counts = long_tail_counts(3, 12, 4)
    repeated = RepeatDataset(dataset, times=5)
    both = ConcatDataset([dataset, RepeatDataset(dataset, 2).dataset])
    nested = RepeatDataset(dataset, times=2)
    balanced = ClassBalancedDataset(dataset, oversample_thr=0.5)
    assert get_class_counts(dataset).tolist() == counts.tolist()
    assert get_class_counts(repeated).tolist() == counts.tolist()
    assert get_class_counts(nested).tolist() == counts.tolist()
    assert get_class_counts(both).tolist() == (2 * counts).tolist()
    assert get_class_counts(balanced).tolist() == counts.tolist()
    for wrapped in (dataset, repeated, both, balanced):
        labels = get_labels(wrapped)
        assert len(labels) == len(wrapped)
        for i in (0, len(wrapped) // 2, len(wrapped) - 1):
            assert labels[i] == wrapped.get_data_info(i)['label']
    # The tail is repeated: MMEngine's repeat-factor sampling works with our
    # data.
    assert len(balanced) > len(dataset)


def test_a_lazy_data_set_knows_its_labels(write):
    path = write(make_data(3, 2))
    lazy = LongTailPoseDataset(path, [], lazy_init=True)
    assert get_class_counts(lazy).tolist() == [2, 2, 2]
    repeated = RepeatDataset(
        LongTailPoseDataset(path, [], lazy_init=True), 2, lazy_init=True
    )
    assert get_labels(repeated).tolist() == [0, 1, 2] * 4


def test_negative_indices_count_from_the_end(write):
    path = write(make_data(3, 2))
    dataset = LongTailPoseDataset(
        path, [lambda results: results['frame_dir']], test_mode=True
    )
    assert dataset[-1] == dataset[5]


def test_stock_data_sets_are_named(write):
    stock = PoseDataset(write(make_data(2, 2)), [])
    with pytest.raises(TypeError, match='mmshapmix.LongTailPoseDataset'):
        get_class_counts(RepeatDataset(stock, times=2))
    with pytest.raises(TypeError, match='got PoseDataset'):
        get_labels(stock)


def break_(data, **changes):
    data['annotations'][3].update(changes)
    return data


BAD = np.zeros((1, 12, 25, 3), np.float32)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(label=3), r'0\.\.2 .*S001A001.*data\.pkl has 3'),
        (dict(label=-1), r'0\.\.2 .*S001A001.*has -1'),
        (dict(keypoint=BAD[:, :0], total_frames=0), 'S001A001.*has none'),
        (
            dict(keypoint=np.where(np.arange(3) == 1, np.nan, BAD)),
            'S001A001.*NaN or infinite',
        ),
        (
            dict(keypoint=np.where(np.arange(3) == 1, np.inf, BAD)),
            'S001A001.*data.pkl has NaN or infinite',
        ),
        (
            dict(keypoint=BAD[:, :, :20]),
            'Expected 25 joints.*S001A001.*has 20',
        ),
    ],
)
def test_bad_samples_are_named(write, changes, message):
    path = write(break_(make_data(3, 2), **changes))
    with pytest.raises(ValueError, match=message):
        LongTailPoseDataset(
            path, [], split='train', num_classes=3, layout='nturgb+d'
        )


def test_too_few_samples_warn_with_both_numbers(write):
    path = write(make_data(3, 5))
    with pytest.warns(UserWarning) as caught:
        dataset = LongTailPoseDataset(path, [], split='train', long_tail=TAIL)
    texts = [str(w.message) for w in caught]
    assert any('12 samples of class 0' in t and 'has 5' in t for t in texts)
    assert dataset.class_counts.tolist() == [5, 5, 3]


def test_an_empty_class_is_an_error(write):
    data = make_data(3, 12)
    with pytest.raises(ValueError, match=r'all 4 classes.*classes \[3\]'):
        LongTailPoseDataset(
            write(data), [], split='train', num_classes=4, long_tail=TAIL
        )


def test_an_empty_split(write):
    data = make_data(3, 1)
    data['split']['train'] = []
    with pytest.raises(ValueError, match=r'data\.pkl \(train\).*empty'):
        LongTailPoseDataset(write(data), [], split='train')


def whole(results):
    """A pipeline whose result is a data sample."""
    return dict(inputs=0, data_samples=ActionDataSample(), label=results)


def test_names_of_numbers_reach_data_samples_and_lists(write, tmp_path):
    data = make_data(3, 2)
    for i, row in enumerate(data['annotations']):
        row['frame_dir'] = np.int64(i)
    (tmp_path / 'list.txt').write_text('4\n0\n')
    dataset = LongTailPoseDataset(
        write(data), [whole], sample_list=str(tmp_path / 'list.txt')
    )
    assert dataset.names.tolist() == [4, 0]
    assert [row['data_samples'].frame_dir for row in dataset] == [4, 0]


def without_labels(data, label=None):
    for row in data['annotations']:
        row['label'] = label
        if label is None:
            del row['label']
    return data


@pytest.mark.parametrize('label', [None, -1, np.int8(-1)])
def test_samples_to_test_may_have_no_label(write, label):
    path = write(without_labels(make_data(3, 2), label))
    dataset = LongTailPoseDataset(path, [], test_mode=True, num_classes=3)
    assert dataset.labels.tolist() == [-1] * 6
    assert dataset.get_data_info(0)['label'] == -1
    assert lacks_labels(ConcatDataset([dataset]))
    with pytest.raises(ValueError, match='S000A001'):
        LongTailPoseDataset(path, [], num_classes=3)
    with pytest.raises(ValueError, match='labels to cut a long tail'):
        LongTailPoseDataset(path, [], test_mode=True, long_tail=TAIL)


def test_some_samples_without_a_label_are_bad(write):
    path = write(break_(make_data(3, 2), label=-1))
    with pytest.raises(ValueError, match='all samples or of none.*S001A001'):
        LongTailPoseDataset(path, [], test_mode=True)
    dataset = LongTailPoseDataset(path, [], test_mode=True, skip_bad=True)
    assert not lacks_labels(dataset) and len(dataset) == 5


def test_names_that_two_data_sets_share(write):
    names = ['a', 'b', 'c', 'd']
    data = make_data(2, 3)
    data['split'] = dict(train=names[:3], val=names[2:])
    data['annotations'] = data['annotations'][:4]
    for row, name in zip(data['annotations'], names, strict=True):
        row['frame_dir'] = name

    def splits(other='data.pkl'):
        paths = write(data), write(data, other)
        return [
            RepeatDataset(LongTailPoseDataset(path, [], split=split), 2)
            for path, split in zip(paths, ('train', 'val'), strict=True)
        ]

    assert shared_names(*splits()) == shared_names(*splits('b.pkl')) == ['c']
    data['split'] = dict(train=[0, 1, 2], val=[2, 3])
    for i, row in enumerate(data['annotations']):
        row['frame_dir'] = i
    assert shared_names(*splits()) == [2]
    assert shared_names(*splits('b.pkl')) == []  # each counts anew


# Kinetics: compressed keypoints beside the annotation file ------------------

DECOMPRESS = [
    dict(type='mmaction.DecompressPose', squeeze=True),
    dict(type='mmaction.PoseDecode'),
]


def kinetics(tmp_path, write, pyskl):
    """Two clips of one person in frames 0..9, a second one in frames 4..6."""
    annotations, packs = [], {}
    for i in range(2):
        frames = np.sort(np.concatenate([np.arange(10), np.arange(4, 7)]))
        boxes = np.zeros((13, 17, 3), np.float16)
        boxes[..., 0] = frames[:, None]  # x identifies the frame
        boxes[..., 2] = 0.9
        score = np.where(np.arange(13) % 5 == 4, 0.6, 0.9)
        packs[f'key{i}'] = dict(keypoint=boxes, frame_inds=frames)
        row = dict(
            frame_dir=f'clip{i}',
            label=i,
            total_frames=10,
            img_shape=(240, 320),
            original_shape=(240, 320),
            box_score=score,
            valid={0.5: 10, 0.8: 7 + i},
        )
        if pyskl:
            row.update(raw_file='somewhere/kpfiles/k400_0.pkl', key=f'key{i}')
        annotations.append(row)
    path = write(
        dict(split=dict(train=['clip0', 'clip1']), annotations=annotations)
    )
    if pyskl:
        write(packs, 'kp/k400_0.pkl')
    else:
        for i in range(2):
            write(packs[f'key{i}'], f'kp/clip{i}.pkl')
    return path, dict(skeleton=str(tmp_path / 'kp'))


@pytest.mark.parametrize('pyskl', [False, True])
def test_kinetics_compressed_keypoints(tmp_path, write, pyskl):
    path, prefix = kinetics(tmp_path, write, pyskl)
    dataset = LongTailPoseDataset(
        path, DECOMPRESS, split='train', layout='coco', data_prefix=prefix
    )
    data = dataset[1]
    assert data['keypoint'].shape == (2, 10, 17, 2)
    # The first person is in every frame, the second in three of them.
    np.testing.assert_array_equal(data['keypoint'][0, :, 0, 0], range(10))
    seen = (data['keypoint_score'][1] > 0).all(-1)
    np.testing.assert_array_equal(np.flatnonzero(seen), [4, 5, 6])


def test_kinetics_of_pyskl_has_no_key(tmp_path, write):
    path, prefix = kinetics(tmp_path, write, pyskl=True)
    data = pickle.loads((tmp_path / 'data.pkl').read_bytes())
    packs = pickle.loads((tmp_path / 'kp' / 'k400_0.pkl').read_bytes())
    for row in data['annotations']:
        packs[row['frame_dir']] = packs.pop(row.pop('key'))
    write(packs, 'kp/k400_0.pkl')
    dataset = LongTailPoseDataset(
        write(data), DECOMPRESS, layout='coco', data_prefix=prefix
    )
    assert dataset[1]['keypoint'].shape == (2, 10, 17, 2)
    raw = dataset.get_data_info(0)['keypoint']
    assert raw.dtype == np.float32 and raw.shape == (13, 17, 3)
    packs.pop('clip1')
    write(packs, 'other/k400_0.pkl')
    dataset = LongTailPoseDataset(
        write(data), [], data_prefix=dict(skeleton=str(tmp_path / 'other'))
    )
    with pytest.raises(ValueError, match=r"'clip1' of .*k400_0\.pkl.*None"):
        dataset[1]


@pytest.mark.parametrize('squeeze', [False, True])
@pytest.mark.parametrize('frames', [327, 328, 700])
def test_long_kinetics_clips_are_sampled_to_their_end(
    tmp_path, write, frames, squeeze
):
    path, prefix = kinetics(tmp_path, write, pyskl=False)
    data = pickle.loads((tmp_path / 'data.pkl').read_bytes())
    data['annotations'][0]['total_frames'] = np.int16(frames)
    boxes = np.zeros((frames, 17, 3), np.float16)
    boxes[..., 0] = np.arange(frames)[:, None]
    pack = dict(keypoint=boxes, frame_inds=np.arange(frames, dtype=np.int16))
    write(pack, 'kp/clip0.pkl')
    pipeline = [
        dict(type='mmaction.DecompressPose', squeeze=squeeze),
        dict(type='mmaction.UniformSampleFrames', clip_len=100),
    ]
    dataset = LongTailPoseDataset(write(data), pipeline, data_prefix=prefix)
    found = dataset[0]['frame_inds']
    low, high = (np.arange(100 + k) * frames // 100 for k in (0, 1))
    assert ((low <= found) & (found <= high[1:])).all()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(frame_inds=np.arange(12)), r'\(13, 17, 3\) and \(12,\)'),
        (dict(frame_inds=np.arange(13.0)), 'array of integers'),
        (dict(frame_inds=np.arange(13, dtype=np.uint8)[::-1]), 'ascending'),
        (dict(keypoint=np.zeros((13, 17, 2))), r'\(13, 17, 2\)'),
        (dict(keypoint=np.zeros((13, 17, 3), 'c8')), 'real numbers'),
        (dict(keypoint=np.full((13, 17, 3), np.nan)), 'NaN'),
        (
            dict(keypoint=np.zeros((0, 17, 3)), frame_inds=np.arange(0)),
            'no person',
        ),
        (dict(keypoint=np.zeros((13, 25, 3))), 'Expected 17 joints.*has 25'),
    ],
)
def test_bad_compressed_keypoints_are_named(tmp_path, write, changes, message):
    path, prefix = kinetics(tmp_path, write, pyskl=False)
    pack = pickle.loads((tmp_path / 'kp' / 'clip1.pkl').read_bytes())
    write(pack | changes, 'kp/clip1.pkl')
    dataset = LongTailPoseDataset(path, [], layout='coco', data_prefix=prefix)
    with pytest.raises(ValueError, match=message) as caught:
        dataset[1]
    assert re.search(r"'clip1' of .*clip1\.pkl", str(caught.value))


@pytest.mark.parametrize('pyskl', [False, True])
def test_kinetics_thresholds(tmp_path, write, pyskl):
    path, prefix = kinetics(tmp_path, write, pyskl)
    dataset = LongTailPoseDataset(
        path,
        DECOMPRESS,
        split='train',
        data_prefix=prefix,
        box_thr=0.8,
        valid_ratio=0.8,
    )
    assert names_of(dataset) == ['clip1']  # clip0: 7 of 10 frames are valid
    assert dataset.labels.tolist() == [1]
    score = np.where(np.arange(13) % 5 == 4, 0.6, 0.9)
    assert (
        dataset.get_data_info(0)['anno_inds'].tolist()
        == (score >= 0.8).tolist()
    )
    assert dataset[0]['keypoint_score'].max() > 0


def test_kinetics_errors(tmp_path, write):
    path, prefix = kinetics(tmp_path, write, pyskl=False)
    dataset = LongTailPoseDataset(path, DECOMPRESS, split='train')
    with pytest.raises(ValueError, match="'clip0'.*data_prefix"):
        dataset[0]
    dataset = LongTailPoseDataset(
        path, DECOMPRESS, split='train', layout='nturgb+d', data_prefix=prefix
    )
    with pytest.raises(
        ValueError, match=r"25 joints.*'clip1'.*clip1\.pkl.*17"
    ):
        dataset[1]
    (tmp_path / 'kp' / 'clip0.pkl').write_bytes(
        pickle.dumps(np.random.RandomState(0))
    )
    with pytest.raises(ValueError, match=r'clip0\.pkl.*asks for'):
        dataset[0]
    with pytest.raises(ValueError, match='`valid` and `box_score`'):
        LongTailPoseDataset(write(make_data(2, 2)), [], valid_ratio=0.5)
