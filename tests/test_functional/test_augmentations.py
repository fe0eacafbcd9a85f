"""Formulas of the augmentations against loops, scipy and symmetries."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.distance import pdist, squareform
from scipy.spatial.transform import Rotation

from mmshapmix.functional.augmentations import (
    add_noise,
    blur,
    hide,
    map_linearly,
    reflect,
    rotation,
    shear,
    shifted_frames,
    swap_sides,
)
from mmshapmix.functional.layouts import LAYOUTS, get_layout


def sequence(rng, joints=20, dims=3, frames=6, dtype=np.float32):
    return rng.normal(size=(2, frames, joints, dims)).astype(dtype)


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('dims', [2, 3])
def test_linear_maps_by_a_loop(rng, dims, dtype):
    joints = sequence(rng, 4, dims, dtype=dtype)
    matrix = rng.normal(size=(dims, dims))
    mapped = map_linearly(joints, matrix)
    assert mapped.dtype == dtype
    for place in np.ndindex(*joints.shape[:3]):
        for new in range(dims):
            expected = sum(
                matrix[new, old] * joints[place][old] for old in range(dims)
            )
            tolerance = 8 * float(np.finfo(dtype).eps)
            assert mapped[place][new] == pytest.approx(
                expected, rel=tolerance, abs=tolerance
            )


def test_rotation_is_scipys(rng):
    """The axes are fixed: first x, then y, then z."""
    for angles in rng.uniform(-3, 3, (5, 3)):
        expected = Rotation.from_euler('xyz', angles).as_matrix()
        np.testing.assert_allclose(rotation(angles), expected, atol=1e-12)


def test_rotation_turns_the_right_way(rng):
    half = np.pi / 2
    up = np.array([0, 0, 1])
    np.testing.assert_allclose(
        rotation([half, 0, 0]) @ up, [0, -1, 0], atol=1e-12
    )
    np.testing.assert_allclose(
        rotation([0, half, 0]) @ up, [1, 0, 0], atol=1e-12
    )
    np.testing.assert_allclose(
        rotation([0, 0, 0.3])[:2, :2],
        [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]],
    )


def test_shear_by_hand(rng):
    """x gains 2 y - z, y gains z; z gains nothing."""
    amounts = np.array([[9.0, 2, -1], [0, 9, 1], [0, 0, 9]])
    sheared = map_linearly(np.float32([[[[1, 10, 100]]]]), shear(amounts))
    assert sheared.ravel().tolist() == [1 + 20 - 100, 10 + 100, 100]
    np.testing.assert_array_equal(shear(np.zeros((2, 2))), np.eye(2))
    # The determinant is 1 where only one axis gains.
    assert np.linalg.det(shear(np.eye(3)[[1, 2, 0]] * [[1], [0], [0]])) == 1


def other_side(name):
    return {'l_': 'r_', 'r_': 'l_'}.get(name[:2], name[:2]) + name[2:]


@pytest.mark.parametrize('name', LAYOUTS)
def test_sides_swap_by_name(name):
    """Joint v has the value 100 v, so a value tells where it was."""
    layout = get_layout(name)
    values = 100.0 * np.arange(layout.num_joints)
    scores = np.broadcast_to(values, (2, 3, layout.num_joints))
    joints = np.repeat(scores[..., None], layout.dims, axis=-1)
    for swapped in (
        swap_sides(scores, layout)[1, 2],
        swap_sides(joints, layout)[1, 2, :, -1],
    ):
        found = dict(zip(layout.joints, swapped, strict=True))
        for joint, value in zip(layout.joints, values, strict=True):
            assert found[other_side(joint)] == value


def flip(joints, layout):
    return reflect(swap_sides(joints, layout))


def test_mirror_image_by_hand():
    layout = get_layout('nturgb+d')
    joints = np.zeros((1, 1, 25, 3), np.float32)
    joints[0, 0, 7], joints[0, 0, 11] = (1, 2, 3), (-4, 5, 6)  # hands: l, r
    joints[0, 0, 3] = 7, 8, 9  # head
    flipped = flip(joints, layout)[0, 0]
    assert flipped[[7, 11, 3]].tolist() == [[4, 5, 6], [-1, 2, 3], [-7, 8, 9]]
    swapped = swap_sides(joints, layout)[0, 0]
    assert swapped[[7, 11, 3]].tolist() == [[-4, 5, 6], [1, 2, 3], [7, 8, 9]]


@pytest.mark.parametrize('name', LAYOUTS)
def test_flips_undo_themselves_and_keep_distances(rng, name):
    layout = get_layout(name)
    joints = sequence(rng, layout.num_joints, layout.dims)
    order = [layout.joints.index(other_side(j)) for j in layout.joints]
    for change in (flip, swap_sides):
        changed = change(joints, layout)
        assert not np.array_equal(changed, joints)
        np.testing.assert_array_equal(change(changed, layout), joints)
        before = squareform(pdist(joints[1, 2]))
        np.testing.assert_allclose(
            squareform(pdist(changed[1, 2])), before[order][:, order]
        )
    points = {tuple(p) for p in joints[1, 2]}
    assert {tuple(p) for p in swap_sides(joints, layout)[1, 2]} == points
    mirrored = {(-p[0], *p[1:]) for p in points}
    assert {tuple(p) for p in flip(joints, layout)[1, 2]} == mirrored


@pytest.mark.parametrize('name', LAYOUTS)
def test_a_symmetric_body_is_its_mirror_image(rng, name):
    """It differs from the same body with its sides swapped."""
    layout = get_layout(name)
    body = sequence(rng, layout.num_joints, layout.dims)
    for v, joint in enumerate(layout.joints):
        if joint.startswith('l_'):
            other = layout.joints.index(other_side(joint))
            body[:, :, other] = body[:, :, v]
            body[:, :, other, 0] *= -1
        elif not joint.startswith('r_'):
            body[:, :, v, 0] = 0
    np.testing.assert_array_equal(flip(body, layout), body)
    assert not np.array_equal(swap_sides(body, layout), body)


def test_hiding_by_a_loop(rng):
    joints = sequence(rng)
    for hidden in (rng.random(20) < 0.5, rng.random((2, 6, 20)) < 0.5):
        result = hide(joints, hidden)
        flags = hide(np.ones((2, 6, 20), np.float16), hidden)
        assert result.dtype == np.float32 and flags.dtype == np.float16
        for m, t, v in np.ndindex(2, 6, 20):
            gone = hidden[v] if hidden.ndim == 1 else hidden[m, t, v]
            expected = 0 * joints[m, t, v] if gone else joints[m, t, v]
            np.testing.assert_array_equal(result[m, t, v], expected)
            assert flags[m, t, v] == 1 - gone


@pytest.mark.parametrize('offset', [-9, -3, 0, 1, 4, 9])
def test_shifts_by_a_loop(offset):
    expected = [min(max(t + offset, 0), 4) for t in range(5)]
    assert shifted_frames(5, offset).tolist() == expected


def test_noise_moves_what_is_there(rng):
    joints, noise = sequence(rng), sequence(rng, dtype=np.float64)
    joints[0, :, 3] = joints[1, 2] = 0
    joints[0, 0, 0, 1] = 0  # only one coordinate is 0: the joint is present
    result = add_noise(joints, noise)
    assert result.dtype == np.float32
    assert (result[0, :, 3] == 0).all() and (result[1, 2] == 0).all()
    joints[0, :, 3] = joints[1, 2] = np.nan
    there = ~np.isnan(joints)
    np.testing.assert_allclose(
        result[there], (joints + noise)[there], atol=1e-6
    )


@pytest.mark.parametrize('frames', [1, 2, 5, 40])
@pytest.mark.parametrize('sigma', [0.05, 0.1, 0.13, 0.5, 1.0, 2.0])
def test_blur_is_scipys(rng, sigma, frames):
    joints = sequence(rng, frames=frames, dtype=np.float64)
    expected = gaussian_filter1d(joints, sigma, axis=1, mode='nearest')
    np.testing.assert_allclose(blur(joints, sigma), expected, atol=1e-12)


def test_limits_of_the_blur(rng):
    joints = sequence(rng)
    np.testing.assert_array_equal(blur(joints, 0), joints)
    still = np.repeat(joints[:, :1], 9, axis=1)
    np.testing.assert_allclose(blur(still, 2), still, atol=1e-6)
    assert blur(joints, 2).dtype == np.float32


def test_blur_beside_missing_joints(rng):
    """Compared with a loop over frames; no joint is drawn to the origin."""
    joints = sequence(rng, frames=9, dtype=np.float64)
    joints[0, 4:6] = joints[1, :3] = joints[1, 5, 7] = joints[0, :, 2] = 0
    result, sigma = blur(joints, 0.8), 0.8
    for m, t, v in np.ndindex(2, 9, 20):
        if not joints[m, t, v].any():
            assert (result[m, t, v] == 0).all()
            continue
        total, mass = 0, 0
        for o in range(-3, 4):
            frame = joints[m, min(max(t + o, 0), 8), v]
            weight = np.exp(-(o**2) / (2 * sigma**2)) * frame.any()
            total, mass = total + weight * frame, mass + weight
        np.testing.assert_allclose(result[m, t, v], total / mass)


def test_arguments_are_left_alone(rng):
    joints, layout = sequence(rng), get_layout('nw-ucla')
    kept = joints.copy()
    for result in (
        map_linearly(joints, np.eye(3)),
        swap_sides(joints, layout),
        reflect(joints),
        hide(joints, np.zeros(20, bool)),
        add_noise(joints, np.zeros_like(joints)),
        blur(joints, 1),
    ):
        result += 1
    np.testing.assert_array_equal(joints, kept)
