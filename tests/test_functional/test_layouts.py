"""The layout table against MMAction2's own, and its validation."""

import numpy as np
import pytest
from mmaction.datasets.transforms import JointToBone
from mmaction.models.utils import Graph

from mmshapmix.functional.layouts import LAYOUTS, get_layout

ALL = list(LAYOUTS)
STOCK = ['nturgb+d', 'coco', 'openpose']


@pytest.mark.parametrize('name', STOCK)
def test_graph_is_mmaction2s(name):
    layout, graph = get_layout(name), Graph(layout=name)
    assert layout.num_joints == graph.num_node
    assert set(layout.inward) == set(graph.inward)
    assert layout.center == graph.center
    same = Graph(layout=layout.graph(), mode='spatial')
    np.testing.assert_array_equal(same.A, Graph(name, mode='spatial').A)


@pytest.mark.parametrize('name', STOCK)
def test_bones_are_mmaction2s(name):
    pairs = dict(JointToBone(dataset=name).pairs)
    np.testing.assert_array_equal(
        get_layout(name).parents, [pairs[v] for v in sorted(pairs)]
    )


# As in the code of BRL's release and, for COCO, of ProtoGCN.
# fmt: off
SKIP_PAIRS = {
    'nturgb+d': [20, 1, 2, 20, 4, 20, 4, 5, 8, 20, 8, 9, 1, 0, 12, 13, 1, 0,
                 16, 17, 20, 7, 6, 11, 10],
    'coco': [0, 1, 2, 0, 0, 5, 6, 0, 0, 5, 6, 11, 12, 0, 0, 11, 12],
}
# fmt: on


@pytest.mark.parametrize('name', SKIP_PAIRS)
def test_skip_pairs_are_the_released_ones(name):
    assert get_layout(name).skip_parents.tolist() == SKIP_PAIRS[name]


@pytest.mark.parametrize('name', ALL)
def test_skip_parents_are_two_hops_along_the_bones(name):
    layout = get_layout(name)
    pairs = dict(layout.bones or layout.inward)
    for v, start in enumerate(layout.skip_parents):
        two_hops = pairs.get(pairs.get(v))
        assert start == (v if two_hops is None else two_hops)


@pytest.mark.parametrize('name', ALL)
def test_parts_and_halves_partition_the_body(name):
    layout = get_layout(name)
    everyone = list(range(layout.num_joints))
    assert sorted(sum(layout.parts.values(), ())) == everyone
    assert sorted(layout.upper + layout.lower) == everyone
    assert len(layout.parts) == 5


@pytest.mark.parametrize('name', ALL)
def test_left_and_right_are_anatomical(name):
    layout = get_layout(name)
    for left, right in layout.mirror:
        left_name, right_name = layout.joints[left], layout.joints[right]
        assert left_name.startswith('l_')
        assert right_name == 'r_' + left_name[2:]
    sided = {v for v, n in enumerate(layout.joints) if n[:2] in ('l_', 'r_')}
    assert sided == {v for pair in layout.mirror for v in pair}
    arms = [
        f'{side}_{joint}'
        for side in 'lr'
        for joint in ('shoulder', 'elbow', 'wrist', 'hand')
    ]
    for part, joints in layout.parts.items():
        side, _, limb = part.partition('_')
        for v in joints:
            if limb:
                assert layout.joints[v].startswith(f'{side[0]}_')
                assert (limb == 'arm') == (
                    layout.joints[v] in arms
                    or 'thumb' in layout.joints[v]
                    or 'tip' in layout.joints[v]
                )


@pytest.mark.parametrize('name', ALL)
def test_mirroring_twice_is_the_identity_and_keeps_bones(name):
    layout = get_layout(name)
    mirrored = layout.mirrored
    np.testing.assert_array_equal(mirrored[mirrored], range(len(mirrored)))
    edges = {frozenset(pair) for pair in layout.inward}
    assert {
        frozenset(mirrored[list(edge)].tolist()) for edge in edges
    } == edges


def test_ntu_parts_are_the_vector(vectors):
    expected = vectors['skeleton.parts_ntu']['expected']
    layout = get_layout('nturgb+d')
    assert {k: list(v) for k, v in layout.parts.items()} == (
        expected['parts_0based']
    )
    assert [len(v) for v in layout.parts.values()] == (
        expected['joints_per_part']
    )


def test_ntu_halves_are_the_vector(vectors):
    inputs = vectors['brl.rpm_joints']['inputs']
    layout = get_layout('nturgb+d')
    assert list(layout.upper) == inputs['upper']
    assert list(layout.lower) == inputs['lower']


def arm(**changes):
    """A user's own layout: shoulder, elbow, wrist, hand."""
    row = dict(
        name='arm',
        joints=['shoulder', 'elbow', 'wrist', 'hand'],
        inward=[(1, 0), (2, 1), (3, 2)],
        center=0,
        parts=dict(above=[0, 1], below=[2, 3]),
    )
    return {**row, **changes}


def test_a_users_own_layout():
    layout = get_layout(arm())
    np.testing.assert_array_equal(layout.parents, [0, 0, 1, 2])
    assert Graph(layout=layout.graph(), mode='spatial').A.shape == (3, 4, 4)
    assert get_layout(arm(joints=4)).joints[3] == 'joint_3'


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(parts=dict(above=[0, 1], below=[2])),
            r'joints \[3\] are missing',
        ),
        (dict(parts=dict(a=[0, 1], b=[1, 2, 3])), r'joints \[1\] are in more'),
        (dict(parts=dict(a=[0, 1], b=[2, 3, 4])), r'0\.\.3 in parts.*\[4\]'),
        (dict(inward=[(1, 0), (2, 1), (3, 7)]), r'0\.\.3 in inward.*\[7\]'),
        (dict(inward=[(1, 0), (2, 1)]), r'joints \[3\] are missing'),
        (dict(inward=[(1, 0), (2, 1), (3, 2), (3, 1)]), r'\[3\] have several'),
        (dict(inward=[(1, 2), (2, 1), (3, 2)]), 'on a loop'),
        (dict(mirror=[(0, 1), (1, 2)]), r'joints \[1\] are doubled'),
        (dict(mirror=[(0, -1)]), r'0\.\.3 in mirror.*\[-1\]'),
        (dict(upper=[0, 1], lower=[2]), r'joints \[3\] are missing'),
        (dict(center=4), r'0\.\.3 in (inward|center).*\[4\]|\[4\]'),
        (dict(origin=9), r'\[9\]'),
        (dict(joints=['a', 'a', 'b', 'c']), r"\['a'\] are doubled"),
        (dict(dims=4), '`dims`.*2 or 3.*4'),
        (dict(colour='red'), 'colour'),
    ],
)
def test_bad_layouts_say_which_joint(changes, message):
    with pytest.raises(ValueError, match=message):
        get_layout(arm(**changes))


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match='coco.*nturgb'):
        get_layout('ntu')
