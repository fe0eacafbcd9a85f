"""Modalities and normalisation against MMAction2's and limiting cases."""

import numpy as np
import pytest
import torch
from mmaction.datasets.transforms import JointToBone, PreNormalize3D, ToMotion

from mmshapmix.functional.augmentations import map_linearly, rotation
from mmshapmix.functional.layouts import LAYOUTS, get_layout
from mmshapmix.functional.skeletons import (
    align_body,
    bone,
    drop_empty_frames,
    fit_box,
    fit_visible,
    min_max,
    motion,
    resize_frames,
    rotation_between,
    skip,
)

THREE_D = [name for name, layout in LAYOUTS.items() if layout.dims == 3]


def skeleton(rng, name, persons=2, frames=6, channels=3):
    joints = LAYOUTS[name].num_joints
    shape = (persons, frames, joints, channels)
    return rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize('channels', [2, 3])
@pytest.mark.parametrize('name', ['nturgb+d', 'coco', 'openpose'])
def test_bone_and_motion_are_mmaction2s(rng, name, channels):
    layout, joints = get_layout(name), skeleton(rng, name, channels=channels)
    stock = JointToBone(dataset=name)(dict(keypoint=joints.copy()))
    np.testing.assert_allclose(
        bone(joints, layout), stock['keypoint'], atol=1e-6
    )
    stock = ToMotion(dataset=name)(dict(keypoint=joints.copy()))
    np.testing.assert_allclose(motion(joints, layout), stock['motion'])


@pytest.mark.parametrize('name', LAYOUTS)
def test_bones_by_provenance(name):
    """Joint v has the value 100 v, so a bone identifies its two joints."""
    layout = get_layout(name)
    values = 100.0 * np.arange(layout.num_joints)
    joints = np.broadcast_to(values[:, None], (1, 1, len(values), 2))
    bones = bone(joints, layout)[0, 0, :, 0]
    pairs = dict(layout.bones or layout.inward)
    for v, value in enumerate(bones):
        assert value == 100 * (v - pairs.get(v, v))


@pytest.mark.parametrize('name', LAYOUTS)
def test_skip_by_provenance(name):
    """A skip starts at the parent's parent; without one, it is zero."""
    layout = get_layout(name)
    values = 100.0 * np.arange(layout.num_joints)
    joints = np.broadcast_to(values[:, None], (1, 1, len(values), 2))
    skipped = skip(joints, layout)[0, 0, :, 0]
    pairs = dict(layout.bones or layout.inward)
    for v, value in enumerate(skipped):
        assert value == 100 * (v - pairs.get(pairs.get(v), v))


@pytest.mark.parametrize('name', ['nturgb+d', 'coco'])
def test_a_skip_is_two_bones(rng, name):
    """Except where the second bone would start at a root's parent."""
    layout, joints = get_layout(name), skeleton(rng, name, channels=2)
    bones = bone(joints, layout)
    two = bones + bones[:, :, layout.parents]
    two[:, :, layout.skip_parents == np.arange(layout.num_joints)] = 0
    np.testing.assert_allclose(skip(joints, layout), two, atol=1e-5)


@pytest.mark.parametrize('feature', [bone, skip])
def test_a_joint_that_is_not_seen_makes_no_vector(rng, feature):
    """Whatever its placeholder is; its appearance makes no motion, either."""
    layout = get_layout('coco')
    joints = skeleton(rng, 'coco', persons=1, frames=5)
    joints[..., 2] = 0.5
    joints[0, 2, 9] = -1, -1, 0  # a wrist in one frame
    vectors = feature(joints, layout)
    expected = feature(joints[..., :2], layout)
    expected[0, 2, 9] = 0
    np.testing.assert_allclose(vectors[..., :2], expected)
    assert (vectors[0, 2, 9] == 0).all()
    moved = motion(vectors, layout)
    expected = np.zeros_like(expected)
    expected[:, :-1] = np.diff(vectors[..., :2], axis=1)
    expected[0, [1, 2], 9] = 0
    np.testing.assert_allclose(moved[..., :2], expected)


def test_a_skip_averages_the_scores():
    layout = get_layout('coco')
    joints = np.zeros((1, 1, 17, 3), dtype=np.float32)
    joints[..., 2] = np.linspace(0.1, 0.9, 17)
    scores = skip(joints, layout)[0, 0, :, 2]
    assert scores[9] == pytest.approx(0.1 + 0.05 * 7)  # wrist, shoulder
    assert scores[5] == pytest.approx(0.1 + 0.05 * 5)  # next to the root


def test_motion_of_constant_speed():
    layout = get_layout('nw-ucla')
    frames = np.arange(5.0)[None, :, None, None] * np.ones((1, 1, 20, 3))
    moved = motion(frames, layout)
    assert (moved[:, :-1] == 1).all() and (moved[:, -1] == 0).all()


def ntu_sequence(rng):
    """Two persons; the second is seen longer; some frames and joints empty."""
    joints = skeleton(rng, 'nturgb+d', frames=9)
    joints[0, [0, 3, 4]] = 0
    joints[1, 0] = 0
    joints[1, 2, 7] = 0
    return joints


@pytest.mark.parametrize('persons', [1, 2])
def test_normalisation_is_prenormalize3d_on_ntu(rng, persons):
    joints = ntu_sequence(rng)[:persons]
    stock = PreNormalize3D()(dict(keypoint=joints.copy(), total_frames=9))
    kept = drop_empty_frames(joints)
    ours = align_body(kept, get_layout('nturgb+d'))
    assert stock['total_frames'] == kept.shape[1]
    np.testing.assert_allclose(ours, stock['keypoint'], atol=1e-5)


def upright(rng, layout):
    """A body with its spine along z and its shoulders along x."""
    joints = rng.normal(size=(1, 4, layout.num_joints, 3))
    joints[:, :, list(layout.spine)] = [[0, 0, 0], [0, 0, 0.5]]
    joints[:, :, list(layout.shoulders)] = [[0.2, 0, 0.4], [-0.2, 0, 0.4]]
    return joints


@pytest.mark.parametrize('name', THREE_D)
def test_normalisation_undoes_any_view(rng, name):
    layout = get_layout(name)
    body = upright(rng, layout)
    expected = body - body[0, 0, layout.origin]
    for angles in rng.uniform(-1.5, 1.5, (5, 3)):
        seen = map_linearly(body, rotation(angles)) + rng.normal(size=3)
        np.testing.assert_allclose(
            align_body(seen, layout), expected, atol=1e-9
        )


@pytest.mark.parametrize('name', THREE_D)
def test_normalised_shoulders_are_along_x(rng, name):
    """Also if the shoulders are not perpendicular to the spine."""
    layout = get_layout(name)
    joints = align_body(skeleton(rng, name).astype(np.float64), layout)
    right, left = joints[0, 0, list(layout.shoulders)]
    np.testing.assert_allclose((right - left)[1:], 0, atol=1e-9)
    assert (right - left)[0] > 0


def test_missing_joints_stay_zero(rng):
    joints = ntu_sequence(rng)[1:, 1:]
    ours = align_body(joints, get_layout('nturgb+d'))
    assert (ours[0, 1, 7] == 0).all()
    assert (ours[0, 0] != 0).any()


def test_layouts_without_axes_are_refused(rng):
    with pytest.raises(ValueError, match="'coco' to have `origin`"):
        align_body(skeleton(rng, 'coco'), get_layout('coco'))


def test_nobody_in_sight():
    empty = np.zeros((2, 3, 25, 3))
    assert drop_empty_frames(empty).shape == (2, 3, 25, 3)
    assert (align_body(empty, get_layout('nturgb+d')) == 0).all()


def test_rotation_between_turns_one_onto_the_other(rng):
    for _ in range(5):
        start, end = rng.normal(size=(2, 3))
        turned = rotation_between(start, end) @ start
        np.testing.assert_allclose(
            turned / np.linalg.norm(turned), end / np.linalg.norm(end)
        )
    np.testing.assert_array_equal(
        rotation_between(np.zeros(3), np.ones(3)), np.eye(3)
    )


def test_min_max(rng):
    joints = skeleton(rng, 'nw-ucla', persons=1)
    joints[..., 2] = 5  # a coordinate that never changes
    scaled = min_max(joints)
    for axis in (0, 1):
        assert scaled[..., axis].min() == -1
        assert scaled[..., axis].max() == pytest.approx(1)
    assert (scaled[..., 2] == 0).all()
    assert scaled.dtype == np.float32
    # A shift and a positive scale have no effect.
    np.testing.assert_allclose(min_max(joints * 3 + 1), scaled, atol=1e-5)


def test_a_box_becomes_the_square():
    corners = np.array([[[[100.0, 20], [300, 60], [200, 40], [400, 0]]]])
    fitted = fit_box(corners, np.array([100, 20]), np.array([300, 60]))
    np.testing.assert_allclose(fitted, [[[[-1, -1], [1, 1], [0, 0], [2, -2]]]])


def test_the_box_of_all_joints_is_that_of_min_max(rng):
    joints = skeleton(rng, 'coco', channels=2) * 100
    visible = np.ones(joints.shape[:3], dtype=bool)
    fitted = fit_visible(joints, visible, 10)
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, min_max(joints), atol=1e-5)
    # Unseen joints have no effect on the others.
    visible[0, 2, 9] = False
    joints[0, 2, 9] = 0
    expected = fit_visible(joints, visible, 10)
    joints[0, 2, 9] = 1e6
    fitted = fit_visible(joints, visible, 10)
    np.testing.assert_array_equal(fitted[visible], expected[visible])


@pytest.mark.parametrize(('side', 'fits'), [(10, False), (10.1, True)])
def test_a_small_box_stays(side, fits):
    """One short side is enough, also in a box without any seen joint."""
    joints = np.array([[[[0, 0], [50, side]]]], dtype=np.float64)
    seen = np.ones((1, 1, 2), dtype=bool)
    fitted = fit_visible(joints, seen, 10)
    expected = [[-1, -1], [1, 1]] if fits else joints[0, 0]
    np.testing.assert_allclose(fitted[0, 0], expected)
    np.testing.assert_array_equal(fit_visible(joints, ~seen, 10), joints)


@pytest.mark.parametrize('frames', [1, 2, 7, 64, 300])
@pytest.mark.parametrize('num_frames', [1, 5, 64])
def test_resizing_is_torchs(rng, frames, num_frames):
    """As CTR-GCN calls it: bilinear, over (C V M) and time."""
    joints = skeleton(rng, 'nw-ucla', frames=frames)
    flat = torch.tensor(joints).permute(3, 2, 0, 1).reshape(1, 1, -1, frames)
    expected = torch.nn.functional.interpolate(
        flat, (flat.shape[2], num_frames), mode='bilinear', align_corners=False
    )
    expected = expected.view(3, 20, 2, num_frames).permute(2, 3, 1, 0)
    ours = resize_frames(joints, num_frames)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, atol=1e-4)
    np.testing.assert_allclose(  # the scores have no channels
        resize_frames(joints[..., 0], num_frames), expected[..., 0], atol=1e-4
    )


def test_resizing_a_ramp():
    """Frame t has the value 100 t, so a value tells its place."""
    ramp = 100 * np.arange(8.0).reshape(1, 8, 1, 1)
    for num_frames, expected in {
        1: [350],
        2: [150, 550],
        4: [50, 250, 450, 650],
        8: ramp.ravel(),
        16: [0, *np.arange(25, 700, 50), 700],
    }.items():
        clip = resize_frames(ramp, num_frames)
        assert clip.shape == (1, num_frames, 1, 1)
        np.testing.assert_allclose(clip.ravel(), expected, atol=1e-9)
    # Integers do not stay integers.
    clip = resize_frames(ramp.astype(np.int64), 4).ravel()
    assert clip.tolist() == [50, 250, 450, 650]


def test_arguments_are_left_alone(rng):
    layout = get_layout('nturgb+d')
    joints = ntu_sequence(rng)
    kept = joints.copy()
    bone(joints, layout), motion(joints, layout), min_max(joints)
    align_body(drop_empty_frames(joints), layout)
    resize_frames(joints, 4), resize_frames(joints, joints.shape[1])
    np.testing.assert_array_equal(joints, kept)
