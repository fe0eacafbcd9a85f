"""PYSKL's data sets, how they are loaded, and their transforms."""

import math

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.dataset import Compose
from mmengine.registry import DATA_SAMPLERS, init_default_scope

from mmshapmix.functional.layouts import get_layout
from mmshapmix.interop.pyskl_config import convert_config

from ...pyskl_configs import CLASSES, built, source, working_folder
from ...pyskl_steps import normalized_2d


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A working folder with the data; MMEngine formats no config."""
    init_default_scope('mmaction')
    with working_folder(tmp_path_factory.mktemp('pyskl')) as root:
        yield root


def test_the_data_are_those_of_the_source():
    cfg = built(source('brl'))
    train = DATASETS.build(cfg.train_dataloader.dataset)
    assert train.times == 2 and len(train.dataset) == 8  # in its list
    assert train.dataset.class_counts.tolist() == [2] * CLASSES
    assert train.dataset.layout is get_layout('nturgb+d')
    loaders = [cfg[f'{part}_dataloader'] for part in ('train', 'val', 'test')]
    assert [loader.batch_size for loader in loaders] == [8, 8, 2]
    assert [loader.num_workers for loader in loaders] == [0] * 3
    for loader in loaders[1:]:
        assert loader.dataset.test_mode and loader.dataset.split == 'val'
        assert loader.sampler == dict(type='DefaultSampler', shuffle=False)


def test_class_prob_draws_as_pyskl_does():
    """Whole passes, then a share of the class, by a naive loop."""
    cfg = built(source('dgstgcn'))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sampler = DATA_SAMPLERS.build(
        cfg.train_dataloader.sampler,
        default_args=dict(dataset=dataset, seed=0),
    )
    expected = []
    for label, prob in enumerate([1, 1, 1.25, 2]):
        for _ in range(int(prob * dataset.times)):
            expected += [label] * 4
        rest = prob * dataset.times % 1
        expected += [label] * int(rest * 4)
    labels = [
        dataset.dataset.labels[i % len(dataset.dataset)] for i in sampler
    ]
    assert sorted(labels) == expected


def data_of(cfg):
    """The training data, as a sampler gets them."""
    return dict(dataset=DATASETS.build(built(cfg).train_dataloader.dataset))


@pytest.mark.parametrize(
    ('given', 'there'),
    [
        ({0: 2, 3: 0.5}, [2, 1, 1, 0.5]),
        ({2: 0}, [1, 1, 0, 1]),
        ({}, [1, 1, 1, 1]),
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 2], [1, 2, 1, 1]),
        ((1, 2, 3, 4), [1, 2, 3, 4]),
    ],
)
def test_class_prob_is_a_list_by_class(given, there):
    cfg = source('stgcnpp')
    cfg['data']['train']['dataset']['class_prob'] = given
    sampler = convert_config(cfg).config['train_dataloader']['sampler']
    assert sampler['class_prob'] == there
    sampled = DATA_SAMPLERS.build(sampler, default_args=data_of(cfg))
    del cfg['model']['cls_head']['num_classes']  # the data will say it
    sampler = built(cfg).train_dataloader.sampler
    again = DATA_SAMPLERS.build(sampler, default_args=data_of(cfg))
    assert (again.draws == sampled.draws).all()
    assert sampled.draws.tolist() == [8 * number for number in there]
    cfg['data']['val']['class_prob'] = given
    new, notes = convert_config(cfg)
    assert new['val_dataloader']['sampler']['type'] == 'DefaultSampler'
    assert ('data.val.class_prob', 'dropped') in [n[:2] for n in notes]


@pytest.mark.parametrize('given', [{4: 2}, {'0': 2}, [1] * 5])
def test_class_prob_of_unknown_classes_is_refused(given):
    cfg = source('stgcnpp')
    cfg['data']['train']['dataset']['class_prob'] = given
    with pytest.raises(ValueError, match=r'Expected classes in 0\.\.3'):
        convert_config(cfg)


def test_without_a_test_set_there_is_no_test():
    cfg = source('stgcnpp')
    del cfg['data']['test']
    config, notes = convert_config(cfg)
    assert not [key for key in config if key.startswith('test_')]
    assert 'data.test_dataloader' in [note.path for note in notes]


def test_several_data_sets_are_one():
    cfg = source('stgcnpp')
    part = cfg['data']['train']['dataset']
    cfg['data']['train'] = dict(type='ConcatDataset', datasets=[part, part])
    train = DATASETS.build(built(cfg).train_dataloader.dataset)
    assert len(train) == 2 * 16


def test_none_in_a_data_set_is_its_default():
    cfg = source('stgcnpp')
    cfg['data']['val'].update(box_thr=None, valid_ratio=None)
    cfg['data']['test'].update(box_thr=0.5, valid_ratio=0.3)
    config = convert_config(cfg).config
    assert 'box_thr' not in config['val_dataloader']['dataset']
    test = config['test_dataloader']['dataset']
    assert (test['box_thr'], test['valid_ratio']) == (0.5, 0.3)


@pytest.mark.parametrize(
    ('parts', 'kind'), [(1, 'changed'), (2, 'unmapped'), (3, 'unmapped')]
)
def test_class_prob_of_one_of_several_data_sets_is_not_mapped(parts, kind):
    """The sampler would apply it to all data sets."""
    cfg = source('dgstgcn')
    inner = cfg['data']['train']['dataset']
    plain = {k: v for k, v in inner.items() if k != 'class_prob'}
    cfg['data']['train']['dataset'] = dict(
        type='ConcatDataset', datasets=[inner] + [plain] * (parts - 1)
    )
    config, notes = convert_config(cfg)
    path = 'data.train.dataset.datasets[0].class_prob'
    assert [n.kind for n in notes if n.path == path] == [kind]
    sampler = config['train_dataloader']['sampler']
    assert ('class_prob' in sampler) == (parts == 1)


# Transforms ------------------------------------------------------------------


def sampled(**options):
    return dict(type='UniformSampleFrames', clip_len=8, **options)


def turned(*degrees):
    return dict(type='mmshapmix.RandomRotate', degrees=degrees)


DEGREES = 0.3 * 180 / math.pi
PACKED = dict(type='PackActionInputs')
OURS = dict(type='mmshapmix.GenSkeFeat')
STEPS = [
    # A step of PYSKL, its result in training, and in testing if different.
    (
        dict(type='UniformSample', clip_len=8),
        [sampled()],
        [sampled(test_mode=True)],
    ),
    (
        dict(type='UniformSample', clip_len=8, num_clips=10, seed=3),
        [sampled(num_clips=10, seed=3)],
        [sampled(num_clips=10, seed=3, test_mode=True)],
    ),
    (
        dict(type='UniformSampleFrames', clip_len=8, p_interval=0.95),
        [
            dict(type='mmshapmix.RandomTemporalCrop', share=(0.95, 0.95)),
            sampled(),
        ],
        [
            dict(type='mmshapmix.RandomTemporalCrop', share=(0.95, 0.95)),
            sampled(test_mode=True),
        ],
    ),
    (
        dict(type='UniformSampleDecode', clip_len=8),
        [sampled(), dict(type='PoseDecode')],
        [sampled(test_mode=True), dict(type='PoseDecode')],
    ),
    (
        dict(type='PreNormalize3D', align_spine=False),
        [dict(type='PreNormalize3D', align_spine=False, align_shoulder=False)],
    ),
    (
        dict(type='PreNormalize2D', threshold=0.3, mode='fix'),
        [
            dict(type='mmshapmix.PreNormalize2D', threshold=0.3, mode='fix'),
        ],
    ),
    (dict(type='GenSkeFeat'), [dict(type='GenSkeFeat', dataset='nturgb+d')]),
    (
        dict(type='GenSkeFeat', dataset='nw_ucla', feats=['bm']),
        [dict(OURS, layout='nw-ucla', feats=['bm'])],
    ),
    (
        dict(type='GenSkeFeat', dataset='coco', feats=['km']),
        [dict(OURS, layout='coco', feats=['km'])],
    ),
    (
        dict(type='RandomScale'),
        [dict(type='mmshapmix.RandomScale', scale=0.2)],
    ),
    (
        dict(type='RandomScale', scale=(0.1, 0.1, 0.1)),
        [dict(type='mmshapmix.RandomScale', scale=0.1)],
    ),
    (dict(type='RandomRot'), [turned(*[round(DEGREES, 4)] * 3)]),
    (
        dict(type='RandomRot', theta=[0, math.pi / 2, math.pi]),
        [turned(0, 90, 180)],
    ),
    (
        dict(type='Spatial_Flip'),
        [dict(type='mmshapmix.RandomSwapSides', prob=0.5, layout='nturgb+d')],
    ),
    (
        dict(type='Temperal_Flip', flip_ratio=0.2),
        [dict(type='mmshapmix.RandomTemporalFlip', prob=0.2)],
    ),
    (
        dict(type='LoadKineticsPose', io_backend='memcached'),
        [dict(type='DecompressPose', max_person=100)],
    ),
    (
        dict(type='Collect', keys=['imgs', 'label'], meta_keys=['a', 'b']),
        [dict(PACKED, meta_keys=('a', 'b'))],
    ),
    (dict(type='ToTensor', keys=['keypoint']), []),
    (dict(type='JointToBone', dataset='coco', target='b'), None),
    (dict(type='ToMotion', dataset='coco', source='b', target='bm'), None),
    (dict(type='MergeSkeFeat', feat_list=['keypoint', 'b'], axis=-1), None),
    (dict(type='DecompressPose', squeeze=False, max_person=3), None),
    (dict(type='PadTo', length=300, mode='zero'), None),
    (dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True), None),
    (dict(type='Flip', flip_ratio=0.5, left_kp=[1], right_kp=[2]), None),
    (dict(type='FormatGCNInput', num_person=1, mode='loop'), None),
    (dict(type='GeneratePoseTarget', sigma=0.6, with_limb=True), None),
]


@pytest.mark.parametrize(
    'row', STEPS, ids=lambda row: '-'.join(map(str, row[0].values()))[:40]
)
def test_steps(row):
    """None means the same step in MMAction2."""
    step, training, *testing = row
    training = [step] if training is None else training
    cfg = source('stgcnpp')
    for dataset in (cfg['data']['train']['dataset'], cfg['data']['val']):
        dataset['pipeline'] = [step]
    config, notes = convert_config(cfg)
    assert config['train_pipeline'] == training
    assert config['val_pipeline'] == (testing[0] if testing else training)
    assert not [n for n in notes if n.kind == 'unmapped' and 'data' in n.path]


def test_rotations_in_a_plane_are_about_z():
    pipeline = convert_config(source('dgstgcn')).config['train_pipeline']
    assert turned(0, 0, round(0.2 * 180 / math.pi, 4)) in pipeline


@pytest.mark.parametrize(
    ('step', 'key', 'kept'),
    [
        (dict(type='RandomGaussianNoise', sigma=0.01), 'type', None),
        (dict(type='JointToKB'), 'type', None),
        (dict(type='Mine', a=dict(b=1)), 'type', None),
        (
            dict(type='RandomScale', scale=(0.1, 0.2, 0.3)),
            'scale',
            dict(type='mmshapmix.RandomScale', scale=0.3),
        ),
        (
            dict(type='PreNormalize3D', align_center=False),
            'align_center',
            dict(type='PreNormalize3D'),
        ),
        (dict(type='Collect', keys=['keypoint', 'x']), 'keys', PACKED),
        (dict(type='PoseDecode', x=1), 'x', dict(type='PoseDecode')),
    ],
)
def test_what_no_step_stands_for_is_named(step, key, kept):
    """An unknown type stays, for the builder to refuse; arguments go."""
    cfg = source('stgcnpp')
    cfg['data']['train']['dataset']['pipeline'] = [step]
    config, notes = convert_config(cfg)
    path = f'data.train.dataset.pipeline[0].{key}'
    assert (path, 'unmapped') in [note[:2] for note in notes]
    assert config['train_pipeline'] == [kept or step]


@pytest.mark.parametrize('theta', [[0.1, 0.2], [], (0.1,) * 4])
def test_angles_of_no_axis_are_refused(theta):
    cfg = source('stgcnpp')
    step = dict(type='RandomRot', theta=theta)
    cfg['data']['train']['dataset']['pipeline'] = [step]
    match = r'pipeline\[0\].theta` .* one for each of three axes, but got'
    with pytest.raises(ValueError, match=match):
        convert_config(cfg)


# Converted steps compared with loops that do what PYSKL's steps do -----------


def converted(step, name='stgcnpp', masked=None):
    """The training step of a config, built."""
    cfg = source(name)
    cfg['data']['train']['dataset']['pipeline'] = [step]
    init_default_scope('mmaction')
    return Compose(convert_config(cfg, masked).config['train_pipeline'])


def skeletons(joints=25, dims=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3, joints, dims)).astype(np.float32)


@pytest.fixture
def draws(monkeypatch):
    """Sets the place of each number of the next draw in its range."""

    def fix(*places):
        def uniform(low, high, size):
            return low + (high - low) * np.array(places[:size])

        monkeypatch.setattr(np.random, 'uniform', uniform)

    return fix


def turned_about(place, axis, angle):
    """Rotated from y to z, z to x or x to y, as PYSKL's matrices by -angle.

    The range of angles is symmetric, so the sign makes no difference.
    """
    result = [*place]
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    result[i] = math.cos(angle) * place[i] - math.sin(angle) * place[j]
    result[j] = math.sin(angle) * place[i] + math.cos(angle) * place[j]
    return result


@pytest.mark.parametrize('places', [(0, 1, 0.5), (1, 1, 1), (0.2, 0.9, 0.4)])
@pytest.mark.parametrize('options', [{}, dict(theta=0.7)])
def test_rotations_are_pyskls(draws, options, places):
    """About x, then y, then z, up to the largest angle; in 2-D about z."""
    draws(*places)
    most = options.get('theta', 0.3)
    for name, dims, axes in (('stgcnpp', 3, range(3)), ('dgstgcn', 2, [2])):
        joints = skeletons(dims=dims)
        step = converted(dict(type='RandomRot', **options), name)
        result = step(dict(keypoint=joints))['keypoint']
        for place in np.ndindex(joints.shape[:3]):
            expected = joints[place]
            for axis in axes:
                angle = most * (2 * places[axis] - 1)
                expected = turned_about(expected, axis, angle)
            np.testing.assert_allclose(result[place], expected, atol=1e-4)


@pytest.mark.parametrize('places', [(0, 1, 0.5), (0.2, 0.9, 0.4)])
@pytest.mark.parametrize(
    ('options', 'most'), [({}, 0.2), ({'scale': 0.5}, 0.5)]
)
def test_scales_are_pyskls(draws, options, most, places):
    """Each axis has its own factor."""
    draws(*places)
    joints = skeletons()
    step = converted(dict(type='RandomScale', **options))
    result = step(dict(keypoint=joints))['keypoint']
    for index in np.ndindex(joints.shape):
        factor = 1 + most * (2 * places[index[-1]] - 1)
        assert result[index] == pytest.approx(joints[index] * factor, abs=1e-5)


@pytest.mark.parametrize('masked', [None, True, False])
@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(mode='fix'),
        dict(mode='auto'),
        dict(threshold=0.3),
        dict(img_shape=(200, 400)),
    ],
)
def test_places_in_a_picture_are_pyskls(options, masked):
    """A config without newer arguments counts as one of 2022."""
    rng = np.random.default_rng(0)
    joints = 100 * skeletons(17, 2)
    scores = rng.random(joints.shape[:3], dtype=np.float32)
    scores[scores < 0.2] = 0
    step = converted(
        dict(type='PreNormalize2D', **options), 'stgcnpp_2d', masked
    )
    results = step(dict(keypoint=joints, keypoint_score=scores))
    hides = bool({*options} - {'img_shape'}) if masked is None else masked
    expected = normalized_2d(
        joints,
        scores,
        options.get('img_shape', (1080, 1920)),
        options.get('threshold', 0.01) if hides else None,
        options.get('mode', 'fix'),
    )
    np.testing.assert_allclose(results['keypoint'], expected, atol=1e-5)


@pytest.mark.parametrize('masked', [None, True, False])
@pytest.mark.parametrize('options', [{}, dict(mode='fix')])
def test_training_and_testing_hide_the_same_joints(options, masked):
    """Also if only one of them has the arguments; the notes report it."""
    cfg = source('stgcnpp_2d')
    cfg['data']['train']['dataset']['pipeline'] = [
        dict(type='PreNormalize2D', **options)
    ]
    config, notes = convert_config(cfg, masked)
    hides = bool(options) if masked is None else masked
    for part in ('train', 'val', 'test'):
        step = config[f'{part}_pipeline'][0]
        assert step['mode'] == 'fix'
        assert ('threshold' in step) == (not hides)
    said = {n.text.split(':')[0] for n in notes if 'threshold' in n.path}
    assert said == {'masked' if hides else 'unmasked'}


@pytest.mark.parametrize(
    ('options', 'share'), [({}, 0.5), ({'flip_ratio': 0.2}, 0.2)]
)
def test_sides_are_exchanged_as_in_brl(options, share):
    """By NTU's list of joints, in the same share of the draws."""
    pairs = [(4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18)]
    pairs += [(15, 19), (21, 23), (22, 24)]
    joints = skeletons()
    exchanged = joints.copy()
    for left, right in pairs:
        exchanged[:, :, left] = joints[:, :, right]
        exchanged[:, :, right] = joints[:, :, left]
    step = converted(dict(type='Spatial_Flip', **options))
    np.random.seed(0)
    times, number = 0, 2000
    for _ in range(number):
        result = step(dict(keypoint=joints))['keypoint']
        times += result[0, 0, 4, 0] == exchanged[0, 0, 4, 0]
        expected = (
            exchanged if result[0, 0, 4, 0] != joints[0, 0, 4, 0] else joints
        )
        np.testing.assert_array_equal(result, expected)
    assert times / number == pytest.approx(share, abs=0.05)
