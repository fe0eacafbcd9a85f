"""Profiles and subsets against published ones."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from mmshapmix.functional.longtail import (
    imbalance_ratio,
    long_tail_counts,
    reverse_frequency,
    select_long_tail,
    shot_groups,
)

COUNTS = [
    'ntu60_xsub_if100',
    'ntu60_xsub_if50',
    'ntu60_xsub_if10',
    'ntu60_xview_if100',
    'ntu120_xsub_if100',
    'ntu120_xsub_if50',
    'ntu120_xsub_if10',
    'ntu120_xset_if100',
    'ntu120_xset_if50',
    'ntu120_xset_if10',
    'nwucla_ir10',
]
# Samples of the published lists, without their names: the size of each class
# in the full split, and the place of each chosen sample among those of its
# class (hashed; int32, in the order of the list).
LISTS = json.loads(
    (Path(__file__).parents[1] / 'data/published_lists.json').read_text()
)


@pytest.mark.parametrize('name', COUNTS)
def test_counts_and_groups_are_the_vectors(vectors, name):
    vector = vectors[f'lt_counts.{name}']
    params, expected = vector['params'], vector['expected']
    counts = long_tail_counts(
        params['num_classes'], params['n_max'], 1 / params['imb_factor']
    )
    assert counts.tolist() == expected['counts']
    assert counts.sum() == expected['total']
    for group, mask in shot_groups(counts).items():
        assert mask.sum() == expected[f'num_{group}']
        span = np.flatnonzero(mask)
        assert [*span[:1], *span[-1:]] == expected[group]


def test_boundaries_are_the_vector(vectors):
    vector = vectors['lt_shots.boundaries']
    groups = shot_groups(np.array(vector['inputs']['class_counts']))
    names = [
        next(g for g, mask in groups.items() if mask[k]) for k in range(4)
    ]
    assert names == vector['expected']['group']


def test_thresholds_are_options():
    groups = shot_groups(np.array([9, 5, 1]), thresholds=(2, 8))
    assert [groups[g].tolist() for g in ('many', 'medium', 'few')] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    with pytest.raises(ValueError, match='low <= high'):
        shot_groups(np.array([1]), thresholds=(8, 2))


@pytest.mark.parametrize('key', LISTS)
def test_published_lists_regenerate_exactly(key):
    row = LISTS[key]
    sizes = np.array(row['class_sizes'])
    # Samples of all classes in a random file order: only the order within a
    # class may matter.
    labels = np.repeat(np.arange(len(sizes)), sizes)
    np.random.default_rng(1).shuffle(labels)
    place = np.empty(len(labels), dtype='<i4')
    for k, size in enumerate(sizes):
        place[labels == k] = np.arange(size)
    head = 600 if 'ntu120' in key else 100
    ratio = 100 if 'ntu120' in key else 10
    wanted = long_tail_counts(len(sizes), head, ratio)
    kept = select_long_tail(labels, wanted, seed=0)
    assert np.bincount(labels[kept]).tolist() == row['counts']
    assert len(kept) == row['total']
    assert place[kept][:8].tolist() == row['first']
    digest = hashlib.sha256(place[kept].tobytes()).hexdigest()
    assert digest == row['sha256']


def test_seeds_choose_different_samples_in_equal_numbers():
    labels = np.tile([0, 1, 2], 50)
    counts = np.array([20, 10, 5])
    first, second = (select_long_tail(labels, counts, s) for s in (0, 1))
    assert set(first) != set(second)
    assert np.bincount(labels[second]).tolist() == [20, 10, 5]
    assert len(set(second)) == len(second)


def test_step_profile_and_ratio():
    counts = long_tail_counts(5, 40, 8, profile='step')
    assert counts.tolist() == [40, 40, 40, 5, 5]
    assert imbalance_ratio(counts) == 8
    assert imbalance_ratio(np.array([3, 0])) == float('inf')
    assert long_tail_counts(1, 7, 100).tolist() == [7]
    assert long_tail_counts(3, 7, 1).tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        ((10, 100, 0.1), 'at least 1.*0.1'),
        ((10, 5, 100), 'leave none in the tail'),
        ((0, 5, 1), 'at least 1, but got 0'),
    ],
)
def test_bad_profiles(args, message):
    with pytest.raises(ValueError, match=message):
        long_tail_counts(*args)


def test_unknown_profile():
    with pytest.raises(ValueError, match="'exp', 'step'.*'linear'"):
        long_tail_counts(10, 100, 10, profile='linear')


def test_global_rng_is_left_alone():
    np.random.seed(3)
    expected = np.random.RandomState(3).rand()
    select_long_tail([0, 1] * 9, np.array([3, 2]), seed=7)
    assert np.random.rand() == expected


def test_reverse_frequency_is_the_released_rule(vectors):
    vector = vectors['ros.lengths']
    counts = np.array(vector['inputs']['class_counts'])
    frequency = reverse_frequency(counts)
    np.testing.assert_allclose(
        frequency,
        vector['expected']['brl_reverse_multiplier'],
        atol=vector['atol'],
    )
    first = vector['expected']['brl_reverse_first_tail_class']
    assert np.flatnonzero(frequency > 1)[0] == first


def test_reverse_frequency_follows_the_rank_not_the_index():
    counts = np.array([40, 8, 20, 10, 30, 5])
    order = np.array([3, 0, 5, 1, 4, 2])
    frequency = reverse_frequency(counts)
    # The two rarest of six classes are raised to the largest.
    assert frequency.tolist() == [1, 5, 1, 1, 1, 8]
    assert (reverse_frequency(counts[order]) == frequency[order]).all()


def test_classes_of_one_size_are_drawn_alike():
    """Also if the rule's limit lies between these classes."""
    frequency = reverse_frequency(np.array([40, 10, 5, 10, 30, 8]))
    assert frequency.tolist() == [1, 1, 8, 1, 1, 5]
    frequency = reverse_frequency(np.array([40, 10, 5, 10, 30, 10]))
    assert frequency.tolist() == [1, 4, 8, 4, 1, 4]
    assert (reverse_frequency(np.full(7, 9)) == 1).all()


@pytest.mark.parametrize('power', [0, 0.3, 1, 2])
def test_reverse_frequency_by_power(power):
    counts = np.array([64, 4, 16])
    expected = [1, 16.0**power, 4.0**power]
    frequency = reverse_frequency(counts, 'power', power)
    np.testing.assert_allclose(frequency, expected)


def test_bad_frequencies_are_refused():
    with pytest.raises(ValueError, match="`rule` .*'power'.*got 'sqrt'"):
        reverse_frequency(np.array([2, 1]), 'sqrt')
    with pytest.raises(ValueError, match='`power` of at least 0, but got -1'):
        reverse_frequency(np.array([2, 1]), 'power', -1)
    with pytest.raises(ValueError, match=r'classes \[1\] have none'):
        reverse_frequency(np.array([2, 0]))
