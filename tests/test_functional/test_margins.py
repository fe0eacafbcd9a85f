"""Margins and scales against the vectors and their limits."""

import pytest
import torch

from mmshapmix.functional.margins import (
    by_reversed_rank,
    kps_scales,
    ldam_margins,
)

from ..vectors import assert_is, double


def test_ldam_margins_are_the_vectors(vectors):
    vector = vectors['ldam']
    counts = double(vector['inputs']['class_counts'])
    assert_is(ldam_margins(counts), vector['expected']['margins'])
    vector = vectors['ldam.ntu60_margins']
    margins = ldam_margins(double(vector['inputs']['class_counts']))
    expected = vector['expected']
    assert_is(margins, expected[next(iter(expected))])


def test_kps_is_the_vector(vectors):
    vector = vectors['kps']
    expected = vector['expected']
    scales = kps_scales(double(vector['inputs']['class_counts']))
    assert_is(scales, expected['s_list'])
    margins = by_reversed_rank(scales) * 0.2 / scales.max()
    assert_is(margins, expected['m_list'])


@pytest.mark.parametrize('make', [ldam_margins, kps_scales])
def test_they_follow_the_counts_not_the_index(make):
    counts = torch.tensor([100, 3, 40, 3, 7])
    order = torch.tensor([4, 2, 0, 3, 1])
    torch.testing.assert_close(make(counts)[order], make(counts[order]))
    turned, values = by_reversed_rank(make(counts)), make(counts)
    torch.testing.assert_close(turned[order], by_reversed_rank(values[order]))
    torch.testing.assert_close(turned.sum(), values.sum())


@pytest.mark.parametrize('make', [ldam_margins, kps_scales])
def test_an_empty_class_is_refused(make):
    with pytest.raises(ValueError, match=r'classes \[1\] have none'):
        make(torch.tensor([5, 0]))
