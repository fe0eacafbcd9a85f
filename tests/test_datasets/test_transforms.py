"""Our transforms against MMAction2's, and what they promise."""

import numpy as np
import pytest
from mmaction.datasets.transforms import GenSkeFeat as StockGenSkeFeat
from mmaction.datasets.transforms import PreNormalize3D as StockPreNormalize3D
from mmengine.dataset import Compose

from mmshapmix.datasets.transforms import (
    GenSkeFeat,
    MinMaxNormalize,
    PreNormalize3D,
    RandomRotate,
    SortedSampleFrames,
)
from mmshapmix.functional.layouts import LAYOUTS

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
    """By a naive loop, on every layout."""
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
    with pytest.raises(ValueError, match=r"'bm'\], but got \['j', 'x'\]"):
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
    """Why NW-UCLA's pipeline has neither, though its sources do."""
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
