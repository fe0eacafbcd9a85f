"""Our transforms against MMAction2's, and their documented properties."""

import numpy as np
import pytest
from mmaction.datasets.transforms import GenSkeFeat as StockGenSkeFeat
from mmaction.datasets.transforms import PreNormalize3D as StockPreNormalize3D
from mmaction.datasets.transforms import UniformSampleFrames
from mmengine.dataset import Compose

from mmshapmix.datasets.transforms import (
    GenSkeFeat,
    MinMaxNormalize,
    PreNormalize3D,
    RandomRotate,
    ResizeCrop,
    SortedSampleFrames,
)
from mmshapmix.functional.layouts import LAYOUTS
from mmshapmix.functional.skeletons import resize_frames

from ..conftest import make_annotations

FEATS = [['j'], ['b'], ['jm'], ['bm'], ['j', 'b', 'jm', 'bm']]


def sample(name, scores=None):
    layout = LAYOUTS[name]
    flat = layout.dims == 2
    return make_annotations(
        1,
        1,
        layout.num_joints,
        layout.dims,
        persons=2,
        scores=flat if scores is None else scores,
    )[0]


@pytest.mark.parametrize('feats', FEATS)
@pytest.mark.parametrize('name', ['nturgb+d', 'coco', 'openpose'])
def test_features_are_mmaction2s(name, feats):
    ours = GenSkeFeat(layout=name, feats=feats)(sample(name))
    stock = StockGenSkeFeat(dataset=name, feats=list(feats))(sample(name))
    assert 'keypoint_score' not in ours
    np.testing.assert_allclose(ours['keypoint'], stock['keypoint'], atol=1e-6)


@pytest.mark.parametrize('name', LAYOUTS)
def test_bone_motion_is_the_motion_of_the_bones(name):
    """Compared with a naive loop, on every layout."""
    layout = LAYOUTS[name]
    joints = sample(name, scores=False)['keypoint']
    result = GenSkeFeat(name, ['bm'])(sample(name, scores=False))['keypoint']
    for t in range(joints.shape[1]):
        for child in range(layout.num_joints):
            parent = layout.parents[child]
            if t == joints.shape[1] - 1:
                expected = 0
            else:
                step = joints[:, t + 1] - joints[:, t]
                expected = step[:, child] - step[:, parent]
            np.testing.assert_allclose(
                result[:, t, child], expected, atol=1e-5
            )


def test_unknown_features():
    with pytest.raises(ValueError, match=r"'km'\], but got \['j', 'x'\]"):
        GenSkeFeat('coco', ['j', 'x'])
    with pytest.raises(ValueError, match='Expected `feats`'):
        GenSkeFeat('coco', [])


def test_normalisation_is_prenormalize3d():
    row = sample('nturgb+d')
    row['keypoint'][:, 5] = 0
    ours = PreNormalize3D('nturgb+d')(dict(row))
    stock = StockPreNormalize3D()(dict(row))
    assert ours['total_frames'] == stock['total_frames'] == 11
    np.testing.assert_allclose(ours['keypoint'], stock['keypoint'], atol=1e-5)


def test_rotation_is_random_within_its_limits():
    np.random.seed(0)
    turn = RandomRotate((0, 60, 0))
    x_axis = np.zeros((1, 1, 1, 3)) + [1.0, 0, 0]
    angles = []
    for _ in range(200):
        x, y, z = turn(dict(keypoint=x_axis))['keypoint'][0, 0, 0]
        assert y == pytest.approx(0)
        angles.append(np.rad2deg(np.arctan2(-z, x)))
    assert np.abs(angles).max() <= 60
    assert max(angles) > 50 and min(angles) < -50
    with pytest.raises(ValueError, match='x, y and z'):
        RandomRotate((60, 60))


def test_centring_and_scale_do_not_show_after_min_max():
    """So NW-UCLA's pipeline has neither, although its sources do."""
    row = sample('nw-ucla', scores=False)
    plain = dict(keypoint=row['keypoint'].copy())
    moved = dict(keypoint=1.3 * (row['keypoint'] - row['keypoint'][0, 0, 1]))
    for results in (plain, moved):
        np.random.seed(5)
        RandomRotate((60, 60, 0))(results)
        MinMaxNormalize()(results)
    np.testing.assert_allclose(plain['keypoint'], moved['keypoint'], atol=1e-5)


def test_sorted_frames():
    test = SortedSampleFrames(5, test_mode=True)
    assert test(dict(total_frames=9))['frame_inds'].tolist() == [0, 2, 4, 6, 8]
    assert test(dict(total_frames=1))['frame_inds'].tolist() == [0] * 5
    np.random.seed(0)
    train = SortedSampleFrames(52)
    seen = [train(dict(total_frames=20))['frame_inds'] for _ in range(50)]
    for inds in seen:
        assert (np.diff(inds) >= 0).all() and len(inds) == 52
    assert len(np.unique(np.concatenate(seen))) == 20
    assert len({tuple(inds) for inds in seen}) == 50


def clips(kind, total, number=1):
    """Frames that a transform draws, ``(number, clip_len)``."""
    np.random.seed(total)
    draws = [kind(dict(total_frames=total)) for _ in range(number)]
    return np.stack([results['frame_inds'] for results in draws])


@pytest.mark.parametrize('total', [26, 27, 40, 51, 52, 53, 90, 33333])
def test_segments_of_long_sequences_are_mmaction2s(total):
    """Every draw is equal, from at least as many frames as the clip has."""
    ours = SortedSampleFrames(26, segments=True)
    theirs = clips(UniformSampleFrames(26), total, 5)
    assert (clips(ours, total, 5) == theirs).all()
    if total < 2**15:  # a small integer type does not overflow, either
        assert (clips(ours, np.int16(total), 5) == theirs).all()


@pytest.mark.parametrize('total', [1, 2, 7, 13, 25])
def test_segments_of_short_sequences_repeat_frames_in_order(total):
    """Frames cover [i T / 26, (i + 1) T / 26), as much as they overlap."""
    drawn = clips(SortedSampleFrames(26, segments=True), total, 2000)
    assert (np.diff(drawn) >= 0).all() and (drawn < total).all()
    ends = np.arange(27) * total / 26
    for place in range(26):
        low, high = ends[place], ends[place + 1]
        covered = [
            max(min(high, t + 1) - max(low, t), 0) for t in range(total)
        ]
        share = np.bincount(drawn[:, place], minlength=total) / 2000
        # Five standard deviations of a share of 2000 draws.
        tolerance = 5 * 0.5 / 2000**0.5
        np.testing.assert_allclose(
            share, np.array(covered) * 26 / total, atol=tolerance
        )
        assert (share[np.array(covered) < 1e-9] == 0).all()


def test_segments_end_with_the_last_frame(monkeypatch):
    """Also if the last draw is rounded up to the end."""
    almost = np.full(64, 1 - 2**-53)
    monkeypatch.setattr(np.random, 'rand', lambda _: almost)
    for total in range(1, 64):
        (clip,) = clips(SortedSampleFrames(64, segments=True), total)
        assert clip[-1] == total - 1


def test_testing_takes_the_same_frames_with_segments_or_without():
    for total in (1, 20, 26, 100):
        plain = SortedSampleFrames(26, test_mode=True)
        other = SortedSampleFrames(26, test_mode=True, segments=True)
        assert (clips(plain, total) == clips(other, total)).all()


def test_the_nw_ucla_pipeline_through_the_registry():
    pipeline = Compose(
        [
            dict(type='mmshapmix.RandomRotate', degrees=(60, 60, 0)),
            dict(type='mmshapmix.MinMaxNormalize'),
            dict(type='mmshapmix.GenSkeFeat', layout='nw-ucla', feats=['j']),
            dict(type='mmshapmix.SortedSampleFrames', clip_len=7),
            dict(type='mmaction.PoseDecode'),
            dict(type='mmaction.FormatGCNInput', num_person=1),
        ]
    )
    keypoint = pipeline(sample('nw-ucla', scores=False))['keypoint']
    assert keypoint.shape == (1, 1, 7, 20, 3)
    assert np.abs(keypoint).max() <= 1 + 1e-6


def ctrgcn_crop(frames, valid, interval, window):
    """CTR-GCN's ``valid_crop_resize`` up to the resizing, rewritten."""
    if len(interval) == 1:
        bias = int((1 - interval[0]) * valid / 2)
        return frames[bias : valid - bias]
    p = np.random.rand(1) * (interval[1] - interval[0]) + interval[0]
    length = int(np.floor(valid * p)[0])
    length = np.minimum(np.maximum(length, window), valid)
    bias = np.random.randint(0, valid - length + 1)
    return frames[bias : bias + length]


@pytest.mark.parametrize('total', [1, 2, 5, 8, 9, 20, 21, 100])
@pytest.mark.parametrize('share', [(0.5, 1), (0.2, 0.2), (0.95,), (0.3,)])
def test_crops_are_ctrgcns(share, total):
    """The same draws; frame t has the value 100 t, and 7 is padding."""
    test_mode = len(share) == 1
    crop = ResizeCrop(8, share[0] if test_mode else share, test_mode)
    ramp = 100 * np.arange(total, dtype=np.float64)
    padded = np.append(ramp, [7.0] * 3).reshape(1, -1, 1, 1)
    for seed in range(1 if test_mode else 50):
        np.random.seed(seed)
        results = crop(dict(keypoint=padded, total_frames=total))
        state = np.random.get_state()[2]
        np.random.seed(seed)
        frames = ctrgcn_crop(ramp, total, share, window=8)
        assert state == np.random.get_state()[2]
        expected = resize_frames(frames[None], 8)
        np.testing.assert_array_equal(
            results['keypoint'][0, :, 0, 0], expected[0]
        )
        if len(frames) >= 8:  # otherwise the ends repeat
            steps = np.diff(results['keypoint'][0, :, 0, 0])
            np.testing.assert_allclose(steps, 100 * len(frames) / 8)


def test_crops_are_of_every_length_and_place():
    """With 24 frames: from 6, raised to 8, up to 24, which is not drawn."""
    np.random.seed(0)
    crop = ResizeCrop(8, (0.25, 1))
    seen = {crop._sample_crop(24) for _ in range(3000)}
    assert {stop - start for start, stop in seen} == set(range(8, 24))
    assert {start for start, _ in seen} == set(range(17))
    assert max(stop for _, stop in seen) == 24
    assert ResizeCrop(8, 0.95, True)._sample_crop(100) == (2, 98)


@pytest.mark.parametrize('persons', [1, 2, 3])
@pytest.mark.parametrize('test_mode', [False, True])
@pytest.mark.parametrize('name', LAYOUTS)
def test_resized_clips_go_through_the_stock_transforms(
    name, test_mode, persons
):
    """2-D with scores and 3-D; the network's input, with nothing changed."""
    layout = LAYOUTS[name]
    flat, stock = layout.dims == 2, name in ('nturgb+d', 'coco', 'openpose')
    (row,) = make_annotations(
        1, 1, layout.num_joints, layout.dims, persons=persons, scores=flat
    )
    if flat:
        steps = np.linspace(0, 1, 12, dtype=np.float32)
        row['keypoint_score'] = row['keypoint_score'] * steps[:, None]
    kept = {k: v.copy() for k, v in row.items() if k.startswith('keypoint')}
    for features in [
        dict(type='mmshapmix.GenSkeFeat', layout=name),
        *[dict(type='mmaction.GenSkeFeat', dataset=name)] * stock,
        *[None] * (not stock or flat),  # FormatGCNInput adds the scores
    ]:
        share = 0.7 if test_mode else (0.7, 0.7)
        rows = [
            dict(
                type='mmshapmix.ResizeCrop',
                clip_len=10,
                share=share,
                test_mode=test_mode,
            ),
            features,
            dict(type='mmaction.FormatGCNInput', num_person=2),
            dict(type='mmaction.PackActionInputs'),
        ]
        pipeline = Compose([row for row in rows if row])
        np.random.seed(0)
        packed = pipeline(dict(row))
        clip = packed['inputs'].numpy()
        assert packed['data_samples'].gt_label.tolist() == [0]
        np.random.seed(0)
        start, stop = pipeline.transforms[0]._sample_crop(12)
        whole = np.concatenate(
            [value.reshape(*value.shape[:3], -1) for value in kept.values()],
            axis=-1,
        )
        expected = resize_frames(whole[:2, start:stop], 10)
        assert clip.shape == (1, 2, 10, layout.num_joints, 3)
        np.testing.assert_allclose(clip[0, :persons], expected, atol=1e-6)
        assert (clip[0, persons:] == 0).all()
    for key, value in kept.items():
        np.testing.assert_array_equal(row[key], value)


def test_what_a_resized_clip_says():
    row = sample('nturgb+d')
    row['num_clips'] = 10  # as the seed of another sampler
    results = ResizeCrop(5, (0.5, 1))(row)
    told = {k: results[k] for k in ('total_frames', 'clip_len', 'num_clips')}
    assert told == dict(total_frames=5, clip_len=5, num_clips=1)
    assert results['frame_interval'] is None
    assert results['keypoint'].dtype == np.float32


@pytest.mark.parametrize(
    'options',
    [
        dict(share=0.95),
        dict(share=(0.5, 1), test_mode=True),
        dict(share=(1, 0.5)),
        dict(share=(0, 1)),
        dict(share=(0.5, 1.1)),
        dict(share=(0.1, 0.2, 0.3)),
        dict(share=()),
        dict(share=0, test_mode=True),
    ],
)
def test_shares_out_of_range(options):
    with pytest.raises(ValueError, match=r'Expected `share` as .* but got'):
        ResizeCrop(64, **options)


@pytest.mark.parametrize('clip_len', [0, -1, 6.4, None])
def test_clips_without_frames(clip_len):
    with pytest.raises(ValueError, match='Expected `clip_len` .* but got'):
        ResizeCrop(clip_len, (0.5, 1))


def test_skeletons_in_a_plane_turn_in_it():
    flat = np.random.default_rng(0).normal(size=(1, 3, 17, 2))
    solid = np.concatenate([flat, np.zeros((1, 3, 17, 1))], axis=-1)
    turn = RandomRotate(degrees=(0, 0, 30))
    turned = []
    for joints in (flat, solid):
        np.random.seed(1)
        turned.append(turn(dict(keypoint=joints))['keypoint'])
    np.testing.assert_allclose(turned[0], turned[1][..., :2])
    assert not np.allclose(turned[0], flat)
    tilt = RandomRotate(degrees=(5, 0, 30))
    with pytest.raises(ValueError, match=r'\(0, 0, z\) for skeletons in a'):
        tilt(dict(keypoint=flat))
