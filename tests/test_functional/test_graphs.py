"""Levels, hierarchies and ancestors against published groups and walks."""

import numpy as np
import pytest

from mmshapmix.functional.graphs import (
    ancestor_differences,
    hierarchies,
    joint_levels,
)
from mmshapmix.functional.layouts import LAYOUTS

NTU = LAYOUTS['nturgb+d']
# HD-GCN's groups by centre of mass; joints are counted from 1.
PUBLISHED = {
    1: '1|2 13 17|14 18 21|3 5 9 15 19|4 6 10 16 20|7 11|8 12 22 23 24 25',
    2: '2|1 21|13 17 3 5 9|14 18 4 6 10|15 19 7 11|16 20 8 12|22 23 24 25',
    21: '21|2 3 5 9|4 6 10 1|7 11 13 17|8 12 14 18|22 23 24 25 15 19|16 20',
}
each_layout = pytest.mark.parametrize('layout', LAYOUTS.values())


def groups(levels):
    return [set(np.flatnonzero(level).tolist()) for level in levels]


@pytest.mark.parametrize('center', PUBLISHED)
def test_levels_are_the_published_groups(center):
    levels = joint_levels(25, NTU.inward, center - 1, max_levels=7)
    expected = [
        {int(joint) - 1 for joint in group.split()}
        for group in PUBLISHED[center].split('|')
    ]
    assert groups(levels) == expected


@each_layout
def test_levels_are_distances(layout):
    """Compared with shortest paths (Floyd, Warshall)."""
    joints = layout.num_joints
    distance = np.where(np.eye(joints), 0, np.inf)
    for i, j in layout.inward:
        distance[i, j] = distance[j, i] = 1
    for k in range(joints):
        distance = np.minimum(distance, distance[:, [k]] + distance[[k]])
    for center in range(joints):
        levels = joint_levels(joints, layout.inward, center)
        assert (levels.sum(0) == 1).all()
        np.testing.assert_array_equal(levels.argmax(0), distance[center])


def test_what_is_far_is_in_the_last_level():
    chain = [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert groups(joint_levels(5, chain, 0, 3)) == [{0}, {1}, {2, 3, 4}]
    assert groups(joint_levels(5, chain, 0, 9)) == [{v} for v in range(5)]


@each_layout
def test_hierarchies_as_a_loop(layout):
    joints = layout.num_joints
    levels = joint_levels(joints, layout.inward, layout.center)
    members = groups(levels)
    matrices = hierarchies(levels)
    assert matrices.shape == (len(members) - 1, 3, joints, joints)
    for matrix, inner, outer in zip(
        matrices, members, members[1:], strict=False
    ):
        for to, source in np.ndindex(joints, joints):
            expected = [
                float(to == source and to in inner | outer),
                (to in outer and source in inner) / len(outer),
                (to in inner and source in outer) / len(inner),
            ]
            np.testing.assert_allclose(matrix[:, to, source], expected)


@each_layout
@pytest.mark.parametrize('k', [1, 2, 20])
def test_ancestors_are_found_by_walking(layout, k):
    data = np.random.default_rng(0).normal(size=(layout.num_joints, 3))
    parents = dict(layout.inward)
    expected = data.copy()
    for joint in range(layout.num_joints):
        ancestor = joint
        for _ in range(k):
            ancestor = parents.get(ancestor)
        if ancestor is not None:
            expected[joint] -= data[ancestor]
    matrix = ancestor_differences(
        layout.num_joints, layout.inward, layout.center, k
    )
    np.testing.assert_allclose(matrix @ data, expected)


def test_another_root_turns_the_edges():
    matrix = ancestor_differences(3, [(0, 1), (1, 2)], 0)
    assert matrix.tolist() == [[1, 0, 0], [-1, 1, 0], [0, -1, 1]]


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: joint_levels(4, [(1, 0)], 0), r'joint 0.*\[2, 3\].*Add'),
        (lambda: joint_levels(2, [(1, 0)], 2), 'centre of 0 to 1.*got 2'),
        (lambda: joint_levels(2, [(1, 0)], -1), 'centre of 0 to 1.*got -1'),
        (
            lambda: hierarchies(joint_levels(2, [(1, 0)], 0, 1)),
            'two levels.*got 1.*Allow',
        ),
        (lambda: ancestor_differences(2, [(1, 0)], 0, 0), 'k of 1.*got 0'),
        (
            lambda: ancestor_differences(3, [(1, 0), (2, 1), (0, 2)], 0),
            'tree, of 2 edges',
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=f'(?s)Expected .*{message}'):
        call()
