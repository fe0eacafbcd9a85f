"""Coalitions against itertools and the published table."""

import itertools
import math

import pytest
import torch

from mmshapmix.functional.coalitions import (
    all_coalitions,
    binomial,
    coalition_index,
    coalitions_of_sizes,
)
from mmshapmix.functional.layouts import LAYOUTS, get_layout, joint_masks


def members(rows):
    return [row.nonzero().flatten().tolist() for row in rows]


@pytest.mark.parametrize('num_parts', [1, 2, 5])
def test_all_coalitions_are_numbered_by_their_bits(num_parts):
    table = all_coalitions(num_parts)
    for index, parts in enumerate(members(table)):
        assert sum(2**p for p in parts) == index
    assert torch.equal(coalition_index(table), torch.arange(2**num_parts))


def test_the_table_of_the_paper(vectors):
    """The 20 pairs and triples, and the places of their complements."""
    expected = vectors['skeleton.parts_ntu']['expected']
    table = coalitions_of_sizes(5, (2, 3))
    assert members(table) == expected['combos']
    row = {i: r for r, i in enumerate(coalition_index(table).tolist())}
    complements = [row[i] for i in coalition_index(~table).tolist()]
    assert complements == expected['complement_index']
    index = coalition_index(table)
    assert torch.equal(coalition_index(~table), 31 - index)


def test_the_parts_of_the_paper(vectors):
    expected = vectors['skeleton.parts_ntu']['expected']
    layout = get_layout('nturgb+d')
    assert {k: list(v) for k, v in layout.parts.items()} == (
        expected['parts_0based']
    )
    masks = joint_masks(layout)
    assert masks.sum(1).tolist() == expected['joints_per_part']


@pytest.mark.parametrize('name', LAYOUTS)
@pytest.mark.parametrize('groups', ['parts', 'halves'])
def test_masks_hold_every_joint_once(name, groups):
    layout = get_layout(name)
    masks = joint_masks(layout, groups)
    assert torch.equal(masks.sum(0), torch.ones(layout.num_joints))
    named = [layout.upper, layout.lower]
    if groups == 'parts':
        named = list(layout.parts.values())
    assert members(masks) == [sorted(joints) for joints in named]


@pytest.mark.parametrize('groups', ['parts', 'halves'])
def test_a_layout_without_parts_is_refused(groups):
    layout = get_layout(dict(joints=3, inward=[(1, 0), (2, 1)], center=0))
    with pytest.raises(ValueError, match=f'Expected a layout with {groups}'):
        joint_masks(layout, groups)


def test_other_sizes_and_numbers_of_parts():
    table = coalitions_of_sizes(4, (1, 3))
    expected = [
        list(c) for n in (1, 3) for c in itertools.combinations(range(4), n)
    ]
    assert members(table) == expected


@pytest.mark.parametrize('sizes', [(0,), (2, 6), ()])
def test_sizes_out_of_range_are_refused(sizes):
    with pytest.raises(ValueError, match='Expected numbers of parts from 1'):
        coalitions_of_sizes(5, sizes)


def test_binomials():
    n, k = torch.meshgrid(torch.arange(8), torch.arange(8), indexing='ij')
    expected = [[math.comb(i, j) for j in range(8)] for i in range(8)]
    assert binomial(n, k).tolist() == expected
