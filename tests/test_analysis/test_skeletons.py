import numpy as np
import pytest

from mmshapmix.analysis.skeletons import (
    body_pose,
    draw_skeleton,
    front_view,
    graph_pose,
    seen_joints,
)
from mmshapmix.functional.layouts import LAYOUTS, get_layout

NTU = get_layout('nturgb+d')
FORK = get_layout(
    dict(
        name='fork',
        joints=['stem', 'knot', 'left', 'right'],
        inward=[(0, 1), (2, 1), (3, 1)],
        center=1,
        parts=dict(handle=[0, 1], prongs=[2, 3]),
    )
)


def joint(layout, name):
    return layout.joints.index(name)


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_has_a_body_that_faces_us(layout):
    pose = body_pose(layout)
    assert len(np.unique(pose.round(6), axis=0)) == layout.num_joints
    head = joint(layout, 'nose' if 'nose' in layout.joints else 'head')
    assert pose[head, 1] > pose[:, 1].max() - 0.1
    for left, right in layout.mirror:
        assert pose[left, 0] > 0 > pose[right, 0]
        assert pose[left, 1] == pytest.approx(pose[right, 1])
    if layout.upper:
        halves = [pose[list(h), 1] for h in (layout.upper, layout.lower)]
        assert halves[0].mean() > halves[1].mean()


def test_other_layouts_have_their_mean_pose_or_a_graph():
    mean_pose = np.arange(12.0).reshape(4, 3)
    assert np.array_equal(
        body_pose(FORK, mean_pose), front_view(mean_pose, FORK)
    )
    assert np.array_equal(body_pose(FORK), graph_pose(FORK))


def test_a_graph_is_rings_round_its_root():
    pose = graph_pose(FORK)
    assert np.array_equal(pose[1], (0, 0))
    angles = np.arctan2(pose[[0, 2, 3], 0], pose[[0, 2, 3], 1])
    np.testing.assert_allclose(
        angles % (2 * np.pi), [0, 2 * np.pi / 3, 4 * np.pi / 3]
    )
    pose = graph_pose(NTU)
    rings = np.linalg.norm(pose, axis=1)
    for v, parent in NTU.inward:
        assert rings[v] == pytest.approx(rings[parent] + 1)
    assert len(np.unique(pose.round(6), axis=0)) == 25


def test_two_trees_in_a_graph_do_not_meet():
    layout = get_layout(
        dict(joints=4, inward=[(1, 0), (3, 2)], center=0, name='two')
    )
    assert len(np.unique(graph_pose(layout).round(6), axis=0)) == 4


# A vertical body along an axis, with its left on one side.
@pytest.mark.parametrize('axis', [1, 2])
@pytest.mark.parametrize('up', [-1, 1])
@pytest.mark.parametrize('left', [-1, 1])
def test_the_view_stands_upright_with_the_left_on_the_right(axis, up, left):
    body = np.zeros((25, 3))
    upright = body_pose(NTU)
    body[:, axis] = up * upright[:, 1]
    body[:, 0] = left * upright[:, 0]
    body[:, 3 - axis] = 0.1 * np.arange(25)  # depth is not visible
    np.testing.assert_allclose(front_view(body, NTU), upright)


def test_all_skeletons_are_seen_from_one_side():
    body = np.stack([body_pose(NTU)[:, 0], 0 * np.ones(25), np.ones(25)], 1)
    body[:, 2] = body_pose(NTU)[:, 1]
    turned = body * (-1, 1, 1)
    view = front_view(np.stack([[body, body, turned]]), NTU)
    assert view.shape == (1, 3, 25, 2)
    np.testing.assert_allclose(view[0, 0], body[:, [0, 2]])
    np.testing.assert_allclose(view[0, 2], turned[:, [0, 2]])


def test_images_have_y_downwards():
    points = np.array([[[3.0, 4.0, 0.9]]])
    layout = get_layout('coco')
    assert front_view(points, layout).tolist() == [[[3, -4]]]


def test_seen_joints():
    person = np.ones((3, 4, 2))
    person[0, 1] = 0  # a single joint is the origin
    person[1, 1:3] = 0
    person[2] = 0
    assert seen_joints(person).tolist() == [
        [True] * 4,
        [True, False, False, True],
        [False] * 4,
    ]


def test_a_bone_has_the_colour_of_its_outer_joint():
    from matplotlib import colors
    from matplotlib import pyplot as plt

    _, axes = plt.subplots()
    pose, names = graph_pose(FORK), ['red', 'gray', 'green', 'blue']
    draw_skeleton(axes, pose, FORK, names)
    lines, dots = axes.collections
    ends = [path.vertices for path in lines.get_paths()]
    for end, color, (v, w) in zip(
        ends, lines.get_colors(), FORK.inward, strict=True
    ):
        np.testing.assert_allclose(end, pose[[v, w]])
        assert colors.same_color(color, names[v])
    np.testing.assert_allclose(dots.get_offsets(), pose)
    axes.clear()
    seen = np.array([True, True, False, True])
    draw_skeleton(axes, pose, FORK, names, seen=seen)
    lines, dots = axes.collections
    assert len(lines.get_paths()) == 2 and len(dots.get_offsets()) == 3
    plt.close('all')
