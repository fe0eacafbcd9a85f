"""Random draws of the augmentations, and their effect on a sample."""

import numpy as np
import pytest

from mmshapmix.datasets import LongTailPoseDataset
from mmshapmix.datasets.transforms import RandomRotate
from mmshapmix.functional.augmentations import blur
from mmshapmix.functional.layouts import LAYOUTS, get_layout
from mmshapmix.registry import TRANSFORMS

from ..conftest import make_annotations, make_data

# Options with which each augmentation acts, and with which it does nothing.
FAMILY = {
    'RandomFlip': (dict(prob=1), dict(prob=0)),
    'RandomSwapSides': (dict(prob=1), dict(prob=0)),
    'RandomRotate': (dict(degrees=(0, 0, 9)), dict(degrees=(0, 0, 0))),
    'RandomScale': (dict(scale=0.3), dict(scale=0)),
    'RandomShear': (dict(shear=0.4), dict(shear=0)),
    'RandomAxisMask': (dict(prob=1), dict(prob=0)),
    'RandomPartDrop': (dict(prob=1), dict(prob=0)),
    'RandomTemporalCrop': (dict(share=(0.2, 0.8)), dict(share=(1, 1))),
    'RandomTemporalFlip': (dict(prob=1), dict(prob=0)),
    'RandomTemporalShift': (dict(share=0.5), dict(share=0)),
    'GaussianNoise': (dict(std=0.1), dict(std=0)),
    'GaussianBlur': (dict(sigma=(1, 2), prob=1), dict(sigma=(0, 0), prob=1)),
}
OF_A_LAYOUT = {'RandomFlip', 'RandomSwapSides', 'RandomPartDrop'}
DRAWS_NOTHING = {'RandomFlip', 'RandomSwapSides', 'RandomTemporalFlip'}
TEMPORAL = {
    'RandomTemporalCrop',
    'RandomTemporalFlip',
    'RandomTemporalShift',
    'GaussianBlur',
}


def build(name, layout='nturgb+d', **options):
    if name in OF_A_LAYOUT:
        options['layout'] = layout
    return TRANSFORMS.build(dict(type=f'mmshapmix.{name}', **options))


def sample(layout='nturgb+d', frames=12):
    """Two persons; in 2-D, scores identify joint and frame."""
    layout = get_layout(layout)
    row = make_annotations(
        1, 1, layout.num_joints, layout.dims, persons=2, frames=frames
    )[0]
    if layout.dims == 2:
        score = np.arange(frames)[:, None] + np.arange(layout.num_joints) / 100
        row['keypoint_score'] = np.stack([score, score]).astype(np.float32)
    return row


def run(transform, row, seed=0):
    np.random.seed(seed)
    return transform(dict(row))


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key])


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('name', FAMILY)
def test_draws_depend_on_numpys_seed_alone(name, layout):
    """The arrays of the sample and their dtype stay as they are."""
    row, kept = sample(layout), sample(layout)
    transform = build(name, layout, **FAMILY[name][0])
    first = run(transform, row)
    assert_same(run(transform, row), first)
    assert first['keypoint'].dtype == np.float32
    assert not np.array_equal(first['keypoint'], row['keypoint'])
    others = [run(transform, row, seed)['keypoint'] for seed in range(1, 9)]
    varied = any(not np.array_equal(first['keypoint'], o) for o in others)
    assert varied == (name not in DRAWS_NOTHING)
    assert_same(row, kept)


@pytest.mark.parametrize('layout', ['nturgb+d', 'coco'])
@pytest.mark.parametrize('name', FAMILY)
def test_without_strength_or_probability_nothing_happens(name, layout):
    acts, rests = FAMILY[name]
    for options in (rests, acts | dict(prob=0)):
        result = run(build(name, layout, **options), sample(layout))
        assert_same(result, sample(layout))


@pytest.mark.parametrize('name', FAMILY)
def test_probabilities(name):
    transform = build(name, **FAMILY[name][0] | dict(prob=0.3))
    np.random.seed(0)
    row = sample()
    same = [
        np.array_equal(transform(dict(row))['keypoint'], row['keypoint'])
        for _ in range(300)
    ]
    # The shift draws 0 in one of 13 cases. Four standard errors are 0.106.
    chance = 0.3 * 12 / 13 if name == 'RandomTemporalShift' else 0.3
    assert 1 - np.mean(same) == pytest.approx(chance, abs=0.106)


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('name', FAMILY)
def test_missing_joints_stay_missing(name, dtype):
    row = sample()
    row['keypoint'] = row['keypoint'].astype(dtype)
    row['keypoint'][1] = 0  # absent person
    row['keypoint'][0, :, [4, 8]] = 0  # both shoulders, so that they may swap
    result = run(build(name, **FAMILY[name][0]), row)['keypoint']
    assert result.dtype == dtype
    assert (result[1] == 0).all() and (result[0, :, [4, 8]] == 0).all()
    assert (result[0] != 0).any()


@pytest.mark.parametrize('name', sorted(TEMPORAL))
def test_padding_is_dropped_and_never_read(name):
    row, padded = sample('coco'), sample('coco')
    for key in ('keypoint', 'keypoint_score'):
        padding = np.full_like(row[key][:, :3], np.nan)
        padded[key] = np.concatenate([row[key], padding], axis=1)
    transform = build(name, 'coco', **FAMILY[name][0])
    assert_same(run(transform, padded), run(transform, row))


@pytest.mark.parametrize('name', sorted(TEMPORAL - {'GaussianBlur'}))
def test_scores_go_with_their_frames(name):
    """The integer part of a score is its frame."""
    row = sample('coco')
    result = run(build(name, **FAMILY[name][0]), row, seed=3)
    frames = result['keypoint_score'][0, :, 0].astype(int)
    np.testing.assert_array_equal(
        result['keypoint'], row['keypoint'][:, frames]
    )
    assert result['total_frames'] == len(frames)
    assert frames.tolist() != list(range(12))


@pytest.mark.parametrize('name', ['coco', 'openpose', 'penn-action'])
def test_scores_go_with_their_joints(name):
    row, order = sample(name), get_layout(name).mirrored
    flipped = run(build('RandomFlip', name, prob=1), row)
    swapped = run(build('RandomSwapSides', name, prob=1), row)
    for result in (flipped, swapped):
        np.testing.assert_array_equal(
            result['keypoint_score'], row['keypoint_score'][:, :, order]
        )
    places = row['keypoint'][:, :, order]
    np.testing.assert_array_equal(swapped['keypoint'], places)
    np.testing.assert_array_equal(flipped['keypoint'], places * [-1, 1])


def matrices(transform, dims, count):
    """Matrices of a linear transform, from its effect on the unit vectors."""
    np.random.seed(0)
    units = dict(keypoint=np.eye(dims)[None, None])
    return np.stack(
        [transform(dict(units))['keypoint'][0, 0].T for _ in range(count)]
    )


@pytest.mark.parametrize('dims', [2, 3])
def test_scales_are_uniform_and_each_axis_has_its_own(dims):
    drawn = matrices(build('RandomScale', scale=0.2), dims, 2000)
    factors = drawn[:, range(dims), range(dims)]
    assert (drawn * (1 - np.eye(dims)) == 0).all()
    assert factors.min() >= 0.8 and factors.max() <= 1.2
    np.testing.assert_allclose(factors.mean(0), 1, atol=0.011)
    np.testing.assert_allclose(factors.std(0), 0.4 / 12**0.5, rtol=0.06)
    assert np.abs(np.corrcoef(factors.T) - np.eye(dims)).max() < 0.1


@pytest.mark.parametrize('dims', [2, 3])
def test_shears_are_uniform_and_each_pair_has_its_own(dims):
    drawn = matrices(build('RandomShear', shear=0.5), dims, 2000)
    off = ~np.eye(dims, dtype=bool)
    amounts = drawn[:, off]
    assert (drawn[:, ~off] == 1).all()
    assert np.abs(amounts).max() <= 0.5
    np.testing.assert_allclose(amounts.mean(0), 0, atol=0.027)
    np.testing.assert_allclose(amounts.std(0), 1 / 12**0.5, rtol=0.06)
    assert np.abs(np.corrcoef(amounts.T) - np.eye(off.sum())).max() < 0.1


@pytest.mark.parametrize('dims', [2, 3])
def test_each_axis_is_masked_as_often(dims):
    drawn = matrices(build('RandomAxisMask', prob=1), dims, 1200)
    kept = drawn[:, range(dims), range(dims)]
    assert (drawn == kept[:, None] * np.eye(dims)).all()
    assert ((kept == 0).sum(1) == 1).all() and (
        (kept == 1) | (kept == 0)
    ).all()
    np.testing.assert_allclose((kept == 0).mean(0), 1 / dims, atol=0.058)


def test_rotation_draws_what_it_drew_without_a_probability():
    """Three angles are drawn at once, so published seeds keep their runs."""
    np.random.seed(4)
    angles = np.deg2rad([60, 0, 0]) * np.random.uniform(-1, 1, 3)
    up = dict(keypoint=np.array([[[[0, 0, 1.0]]]]))
    turned = run(RandomRotate((60, 0, 0)), up, 4)['keypoint'].ravel()
    np.testing.assert_allclose(
        turned, [0, -np.sin(angles[0]), np.cos(angles[0])], atol=1e-12
    )


@pytest.mark.parametrize('num_parts', [1, 2, 4])
@pytest.mark.parametrize('name', LAYOUTS)
def test_dropped_parts(name, num_parts):
    layout, row = get_layout(name), sample(name)
    row['keypoint_score'] = np.ones((2, 12, layout.num_joints), np.float32)
    drop = build('RandomPartDrop', name, prob=1, num_parts=num_parts)
    np.random.seed(0)
    times = dict.fromkeys(layout.parts, 0)
    for _ in range(200):
        result = drop(dict(row))
        gone = (result['keypoint'] == 0).all(axis=(0, 1, 3))
        np.testing.assert_array_equal(
            result['keypoint'][:, :, ~gone], row['keypoint'][:, :, ~gone]
        )
        assert (result['keypoint_score'] == ~gone).all()
        dropped = [p for p, v in layout.parts.items() if gone[list(v)].any()]
        assert len(dropped) == num_parts
        assert gone.sum() == sum(len(layout.parts[p]) for p in dropped)
        for part in dropped:
            times[part] += 1
    # Four standard errors of 200 draws are 29.
    np.testing.assert_allclose(
        list(times.values()), 200 * num_parts / 5, atol=29
    )


def frames_of(transform, total, count):
    """Frames that a transform takes in each draw."""
    np.random.seed(0)
    ramp = np.arange(float(total)).reshape(1, -1, 1, 1)
    for _ in range(count):
        result = transform(dict(keypoint=ramp, total_frames=total))
        frames = result['keypoint'].ravel().tolist()
        assert result['total_frames'] == len(frames)
        yield frames


def test_crops_have_every_length_and_start():
    crop = build('RandomTemporalCrop', share=(0.25, 1))
    seen = set()
    for frames in frames_of(crop, 8, 3000):
        assert frames == list(np.arange(frames[0], frames[0] + len(frames)))
        seen.add((frames[0], len(frames)))
    # A crop of all 8 frames has probability 0, since the share is below 1.
    assert seen == {(s, n) for n in range(2, 8) for s in range(9 - n)}
    assert list(frames_of(build('RandomTemporalCrop'), 1, 3)) == [[0]] * 3
    narrow = build('RandomTemporalCrop', share=(0, 0.1))
    assert {len(f) for f in frames_of(narrow, 8, 20)} == {1}


def test_backwards():
    (frames,) = frames_of(build('RandomTemporalFlip', prob=1), 5, 1)
    assert frames == [4, 3, 2, 1, 0]


def test_shifts_are_equally_probable():
    shift = build('RandomTemporalShift', share=0.4)
    drawn = [tuple(f) for f in frames_of(shift, 5, 1000)]
    expected = {
        (0, 0, 0, 1, 2),
        (0, 0, 1, 2, 3),
        (0, 1, 2, 3, 4),
        (1, 2, 3, 4, 4),
        (2, 3, 4, 4, 4),
    }
    assert set(drawn) == expected
    for frames in expected:  # four standard errors
        assert drawn.count(frames) == pytest.approx(200, abs=51)


def test_noise_is_normal_and_independent():
    row = sample(frames=400)
    result = run(build('GaussianNoise', std=0.3), row)['keypoint']
    noise = (result - row['keypoint']).astype(np.float64)  # 60000 numbers
    assert noise.mean() == pytest.approx(0, abs=0.005)
    assert noise.std() == pytest.approx(0.3, rel=0.012)
    assert np.mean(np.abs(noise) < 0.3) == pytest.approx(0.6827, abs=0.008)
    columns = noise.transpose(1, 0, 2, 3).reshape(400, -1)
    others = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    assert np.abs(others).max() < 0.3  # six standard errors


def test_widths_of_the_blur_are_uniform():
    """Beside an impulse, the blur leaves exp(-1 / 2 sigma^2) of its height."""
    joints = np.ones((1, 41, 1, 2))
    joints[0, 20, 0, 0] = 1e6
    filtered = build('GaussianBlur', sigma=(0.5, 2), prob=1)
    widths = []
    np.random.seed(0)
    for _ in range(400):
        result = filtered(dict(keypoint=joints, total_frames=41))['keypoint']
        peak, beside = result[0, 20:22, 0, 0] - 1
        widths.append(np.sqrt(-0.5 / np.log(beside / peak)))
    assert min(widths) >= 0.5 and max(widths) <= 2
    assert np.mean(widths) == pytest.approx(1.25, abs=0.087)
    assert np.std(widths) == pytest.approx(1.5 / 12**0.5, rel=0.15)
    np.testing.assert_allclose(result, blur(joints, widths[-1]), rtol=1e-6)


def test_invisible_joints():
    row = sample('penn-action')
    row['keypoint_score'] = np.tile(np.float32([0, 0.4, 0.5, 1]), (2, 12, 4))[
        ..., :13
    ]
    hidden = row['keypoint_score'] < 0.5
    result = build('HideInvisible')(dict(row))
    assert (result['keypoint'][hidden] == 0).all()
    np.testing.assert_array_equal(
        result['keypoint'][~hidden], row['keypoint'][~hidden]
    )
    assert result['keypoint_score'] is row['keypoint_score']
    all_there = build('HideInvisible', threshold=0)(dict(row))
    np.testing.assert_array_equal(all_there['keypoint'], row['keypoint'])
    with pytest.raises(ValueError, match='keypoint_score.* leave Hide'):
        build('HideInvisible')(sample())


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        *[
            (
                name,
                FAMILY[name][0] | dict(prob=prob),
                '`prob` as one number, f',
            )
            for name in FAMILY
            for prob in (-0.1, 1.1, (0, 1), float('nan'))
        ],
        (
            'RandomScale',
            dict(scale=-0.1),
            '`scale` as one number, from 0 to 1',
        ),
        ('RandomScale', dict(scale=1.1), '`scale` as one number, from 0 to 1'),
        ('RandomShear', dict(shear=-1), '`shear` as one number, at least 0'),
        ('GaussianNoise', dict(std=-1), '`std` as one number, at least 0'),
        ('GaussianBlur', dict(sigma=(2, 1)), r'`sigma` as \(smallest'),
        ('GaussianBlur', dict(sigma=1), r'`sigma` as \(smallest'),
        ('RandomTemporalCrop', dict(share=(0.5, 1.1)), r'\), from 0 to 1'),
        ('RandomTemporalCrop', dict(share=0.5), r'`share` as \(smallest'),
        ('RandomTemporalShift', dict(share=1.5), '`share` as one number'),
        ('RandomPartDrop', dict(num_parts=0), '`num_parts` from 1 to 4'),
        ('RandomPartDrop', dict(num_parts=5), '`num_parts` from 1 to 4'),
        ('RandomPartDrop', dict(num_parts=1.5), '`num_parts` from 1 to 4'),
    ],
)
def test_bad_options(name, options, message):
    with pytest.raises(ValueError, match=f'Expected .*{message}.*but got'):
        build(name, **options)


def test_layouts_without_sides_or_parts():
    arm = dict(name='arm', joints=3, inward=[(1, 0), (2, 1)], center=0)
    for name in ('RandomFlip', 'RandomSwapSides'):
        with pytest.raises(ValueError, match="`mirror` pairs, but 'arm' has"):
            build(name, arm)
    with pytest.raises(ValueError, match="parts of the body, but 'arm' has"):
        build('RandomPartDrop', arm)


def test_what_they_say_of_themselves():
    assert repr(build('RandomPartDrop', 'coco', num_parts=2)) == (
        "RandomPartDrop(prob=0.5, layout='coco', num_parts=2)"
    )
    assert repr(build('GaussianBlur')) == (
        'GaussianBlur(prob=0.5, sigma=(0.1, 2.0))'
    )


def dataset(path, layout, *augmentations):
    return LongTailPoseDataset(
        ann_file=path,
        split='train',
        num_classes=2,
        layout=layout,
        pipeline=[
            *augmentations,
            dict(type='mmaction.UniformSampleFrames', clip_len=8),
            dict(type='mmaction.PoseDecode'),
            dict(type='mmaction.FormatGCNInput', num_person=2),
        ],
    )


@pytest.mark.parametrize('name', ['nturgb+d', 'coco'])
def test_in_a_data_set(write, name):
    """A flip at probability 1 draws nothing, so both have the same frames."""
    layout = get_layout(name)
    flat = layout.dims == 2
    path = write(make_data(2, 2, layout.num_joints, layout.dims, scores=flat))
    flip = dict(type='mmshapmix.RandomFlip', layout=name, prob=1)
    clips = []
    for data in (dataset(path, name), dataset(path, name, flip)):
        np.random.seed(0)
        clips.append(data[1]['keypoint'])
    assert clips[0].shape == (1, 2, 8, layout.num_joints, 3)
    np.testing.assert_array_equal(
        clips[1], clips[0][:, :, :, layout.mirrored] * np.float32([-1, 1, 1])
    )


@pytest.mark.parametrize('name', ['nturgb+d', 'coco'])
def test_the_whole_family_at_once(write, name):
    layout = get_layout(name)
    flat = layout.dims == 2
    path = write(make_data(2, 2, layout.num_joints, layout.dims, scores=flat))
    family = [build(n, name, **FAMILY[n][0]) for n in FAMILY]
    family += [build('HideInvisible')] * flat
    data = dataset(path, name, *family)
    clips = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        clips.append(data[1]['keypoint'])
    np.testing.assert_array_equal(clips[0], clips[1])
    assert not np.array_equal(clips[0], clips[2])
    for clip in clips:
        assert clip.shape == (1, 2, 8, layout.num_joints, 3)
        assert np.isfinite(clip).all() and (clip[0, 1] == 0).all()
        gone = (clip[0, 0] == 0).all(axis=(0, 2))
        dropped = [p for p, v in layout.parts.items() if gone[list(v)].all()]
        assert len(dropped) == 1
