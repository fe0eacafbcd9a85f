"""Samples in users' forms: read like the plain file, or refused."""

import numpy as np
import pytest

from mmshapmix.datasets import LongTailPoseDataset
from mmshapmix.datasets.bad_samples import shown

from ..conftest import make_data

PIPELINE = [
    dict(type='mmaction.PreNormalize2D'),
    dict(type='mmshapmix.GenSkeFeat', layout='coco'),
]


def plain():
    """Integer pixels of two persons; the second person leaves."""
    data = make_data(3, 2, joints=17, channels=2, persons=2, scores=True)
    rng = np.random.default_rng(0)
    for row in data['annotations']:
        size = row['keypoint'].shape
        row['keypoint'] = rng.integers(300, 800, size).astype(np.float32)
        row['keypoint'][1, 6:] = 0
        row['keypoint_score'][:] = 1
        row['keypoint_score'][1, 6:] = 0
    return data


def every(key, change):
    data = plain()
    for row in data['annotations']:
        row[key] = change(row[key])
    return data


def one(key, change):
    data = plain()
    data['annotations'][3][key] = change(data['annotations'][3].get(key))
    return data


def read(path, pipeline=PIPELINE, **kwargs):
    options = dict(split='train', num_classes=3, layout='coco') | kwargs
    dataset = LongTailPoseDataset(path, pipeline, **options)
    assert len(dataset) == 6
    return dataset[3]


def same_as_plain(write, data):
    found, wanted = read(write(data)), read(write(plain(), 'plain.pkl'))
    assert found['keypoint'].dtype == wanted['keypoint'].dtype == np.float32
    np.testing.assert_array_equal(found['keypoint'], wanted['keypoint'])
    assert found['label'] == wanted['label']
    assert type(found['label']) is type(found['total_frames']) is int


NUMBERS = 'int16 uint16 int32 uint32 int64 uint64 float16 float64 g >i4 >f8'


@pytest.mark.parametrize('dtype', NUMBERS.split())
def test_pixels_and_scores_of_every_type_are_float32(write, dtype):
    data = every('keypoint', lambda k: k.astype(dtype))
    for row in data['annotations']:
        row['keypoint_score'] = row['keypoint_score'].astype(dtype)
    same_as_plain(write, data)


def locked(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    'change', [np.asfortranarray, locked, lambda k: k.repeat(2, 1)[:, ::2]]
)
def test_arrays_of_every_order_can_be_changed_in_place(write, change):
    same_as_plain(write, every('keypoint', change))


@pytest.mark.parametrize(
    ('key', 'change'),
    [
        ('label', np.int64),
        ('label', np.uint8),
        ('label', lambda v: np.dtype('>i4').type(v)),
        ('total_frames', np.int16),
        ('img_shape', lambda v: None),
        ('img_shape', list),
        ('img_shape', np.array),
        ('img_shape', lambda v: tuple(map(np.uint16, v))),
        ('keypoint_score', lambda v: None),
    ],
)
def test_other_forms_of_the_same(write, key, change):
    same_as_plain(write, every(key, change))


def test_a_score_of_1_where_there_is_none(write):
    data = every('keypoint_score', lambda v: None)
    dataset = LongTailPoseDataset(write(data), [])
    score = dataset.get_data_info(0)['keypoint_score']
    assert score.dtype == np.float32 and score.shape == (2, 12, 17)
    assert (score[0] == 1).all() and (score[1, :6] == 1).all()
    assert (score[1, 6:] == 0).all()  # all persons are absent


@pytest.mark.parametrize('dtype', '? c8 U3 S3 M8[s] m8[s] O'.split())
@pytest.mark.parametrize('key', ['keypoint', 'keypoint_score'])
def test_what_is_no_real_number_is_refused(write, key, dtype):
    path = write(one(key, lambda k: k.astype(np.int64).astype(dtype)))
    with pytest.raises(ValueError, match=rf"`{key}`.*'S001A001'.*data\.pkl"):
        read(path)


@pytest.mark.parametrize(
    ('key', 'change', 'message'),
    [
        *(
            ('label', lambda v, wrong=wrong: wrong, 'has ')
            for wrong in (
                *(1.0, '1', [1], None, True, np.True_, np.float32(1)),
                *(np.array([1]), {}, -1, 3, 10**5000),
            )
        ),
        *(
            ('total_frames', lambda v, wrong=wrong: wrong, 'has ')
            for wrong in (12.0, '12', None, -12, 0, 13, True, 10**5000)
        ),
        *(
            ('img_shape', lambda v, wrong=wrong: wrong, r'\(height, width\)')
            for wrong in (
                *('1080x1920', 1080, (0, 0), (1080, 1920, 3), ()),
                *((np.nan, 1), ('1080', '1920'), (-1, 1), np.zeros((2, 2))),
            )
        ),
        ('keypoint', lambda k: k[:0], 'has no person'),
        ('keypoint', lambda k: k[:, :0], '12 frames .*has 0'),
        ('keypoint', lambda k: k[:, :, :0], 'joints and coordinates'),
        ('keypoint', lambda k: k[:, :, :9], '17 joints.*has 9'),
        ('keypoint', lambda k: k[..., :0], 'joints and coordinates'),
        ('keypoint', lambda k: k[..., :1], '2 coordinates.*has 1'),
        ('keypoint', lambda k: k[0], r'\(persons, .*has \(12, 17, 2\)'),
        ('keypoint', lambda k: k.tolist(), 'a list of 2'),
        ('keypoint', lambda k: None, 'has None'),
        ('keypoint', lambda k: k + np.inf, 'infinite'),
        ('keypoint', lambda k: k.astype(float) * 1e300, 'finite in float32'),
        ('keypoint_score', lambda s: s * np.nan, 'NaN'),
        ('keypoint_score', lambda s: s[..., None], r'\(2, 12, 17\).*17, 1\)'),
        ('keypoint_score', lambda s: s[:1], r'\(2, 12, 17\).*\(1, 12, 17\)'),
        ('keypoint_score', lambda s: 1.0, 'array of real numbers.*1.0'),
    ],
)
def test_a_bad_value_is_refused_with_its_sample(write, key, change, message):
    path = write(one(key, change))
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert f"sample 'S001A001' of {path}" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_coordinates_are_those_of_the_layout(write):
    path = write(make_data(3, 2, joints=17))
    with pytest.raises(ValueError, match='2 coord.*has 3.*`keypoint_score`'):
        read(path)
    path = write(make_data(3, 2, joints=25, channels=2))
    with pytest.raises(ValueError, match='3 coord.*has 2.*`dims`'):
        read(path, layout='nturgb+d')
    chain = dict(joints=25, inward=[(v + 1, v) for v in range(24)], center=0)
    flat = LongTailPoseDataset(path, [], layout=dict(chain, dims=2))
    assert flat[0]['keypoint'].shape == (1, 12, 25, 2)


def test_others_are_named_and_counted_beside_the_first(write):
    path = write(every('keypoint', list))
    with pytest.raises(ValueError, match="others: .*'S000A003', .*, …"):
        read(path)


def test_a_value_in_a_message_is_short():
    nested = []
    for _ in range(100):
        nested = [nested, nested]
    values = [nested, 'x' * 10**6, 10**5000, np.zeros((9, 9)), {'a': nested}]
    assert max(len(shown(value)) for value in values) < 100
