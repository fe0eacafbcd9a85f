"""Samplers: frequencies, ranks, epochs, and the seeds of samples."""

import math
import pickle
import random
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from mmengine.logging import MMLogger
from torch.utils.data import DataLoader

from mmshapmix.datasets import (
    ClassBalancedSampler,
    LongTailPoseDataset,
    ProgressiveSampler,
    ReverseFrequencySampler,
    ShuffleSampler,
    samplers,
)
from mmshapmix.datasets.sample_index import SampleIndex, seeded
from mmshapmix.functional.longtail import progressive_shares

from ..conftest import make_data

TAIL = dict(max_per_class=12, imbalance_ratio=4)
EPOCHS = 4


def progressive(dataset, seed=None):
    """A sampler that knows its number of epochs."""
    sampler = ProgressiveSampler(dataset, seed)
    sampler.set_max_epochs(EPOCHS)
    return sampler


REVERSE = dict(type='mmshapmix.ReverseFrequencySampler')
lengthened = partial(ShuffleSampler, same_length_as=REVERSE)
ALL = [
    ShuffleSampler,
    lengthened,
    ClassBalancedSampler,
    ReverseFrequencySampler,
    progressive,
]


def draw(results):
    """A transform that draws from all three random generators."""
    return dict(
        label=results['label'],
        draws=(np.random.rand(), torch.rand(()).item(), random.random()),
    )


@pytest.fixture
def dataset(write):
    return LongTailPoseDataset(
        write(make_data(3, 12)), [draw], split='train', long_tail=TAIL
    )


def shares(sampler_type, dataset, world_size, monkeypatch, epoch=0, seed=0):
    """Draws of each rank."""
    result = []
    for rank in range(world_size):
        monkeypatch.setattr(
            samplers, 'get_dist_info', lambda rank=rank: (rank, world_size)
        )
        sampler = sampler_type(dataset, seed=seed)
        sampler.set_epoch(epoch)
        length = len(sampler)
        result.append(list(sampler))
        assert len(result[-1]) == length
    return result


@pytest.mark.parametrize('sampler_type', ALL)
@pytest.mark.parametrize('world_size', [1, 2, 4])
def test_ranks_are_disjoint_and_equal(
    dataset, sampler_type, world_size, monkeypatch
):
    ranks = shares(sampler_type, dataset, world_size, monkeypatch)
    assert len({len(share) for share in ranks}) == 1
    (whole,) = shares(sampler_type, dataset, 1, monkeypatch)
    together = [i for step in zip(*ranks, strict=True) for i in step]
    assert together[: len(whole)] == whole
    assert len(together) - len(whole) < world_size
    # The draws are also the same if other numbers of ranks share the epoch.
    for one, many in zip(whole, together, strict=False):
        assert one.draw_seed == many.draw_seed
    assert len({i.draw_seed for i in together}) == len(together)


def test_shuffle_visits_everyone_once(dataset, monkeypatch):
    (whole,) = shares(ShuffleSampler, dataset, 1, monkeypatch)
    assert sorted(whole) == list(range(len(dataset)))
    assert whole != sorted(whole)


@pytest.mark.parametrize('world_size', [1, 4])
@pytest.mark.parametrize(
    ('other', 'length'),
    [
        (REVERSE, 60),  # twice 12, 6 and 3 samples, with 3 raised to 12
        (dict(REVERSE, keep_length=True), 42),
        (dict(REVERSE, class_prob=[0.5, 0, 0]), 12),  # a shorter epoch, too
    ],
)
def test_shuffling_can_be_as_long_as_another_sampler(
    dataset, other, length, world_size, monkeypatch
):
    """Every sample comes in turn, in a new order each time."""
    repeated = RepeatDataset(dataset, times=2)
    kind = partial(ShuffleSampler, same_length_as=other)
    ranks = shares(kind, repeated, world_size, monkeypatch)
    assert {len(share) for share in ranks} == {math.ceil(length / world_size)}
    whole = [i for step in zip(*ranks, strict=True) for i in step]
    visits = np.bincount(np.array(whole[:length]), minlength=len(repeated))
    assert np.ptp(visits) <= 1
    if length > 42:
        assert whole[:18] != whole[42:60]


@pytest.mark.parametrize('sampler_type', ALL)
def test_epochs_and_seeds_differ_and_repeat(
    dataset, sampler_type, monkeypatch
):
    args = (sampler_type, dataset, 1, monkeypatch)
    (first,) = shares(*args)
    assert shares(*args)[0] == first
    assert shares(*args, epoch=1)[0] != first
    assert shares(*args, seed=1)[0] != first


@pytest.mark.parametrize('times', [1, 5])
def test_class_balanced_frequencies(dataset, times, monkeypatch):
    repeated = RepeatDataset(dataset, times=times)
    (whole,) = shares(ClassBalancedSampler, repeated, 1, monkeypatch)
    labels = np.tile(dataset.labels, times)
    assert len(whole) == times * len(dataset)
    assert np.ptp(np.bincount(labels[whole])) <= 1
    for label in range(3):
        # Within a class, all samples alternate.
        visits = np.bincount(np.array(whole), minlength=len(labels))[
            labels == label
        ]
        assert np.ptp(visits) <= 1


def visits_by_class(whole, dataset, times=1):
    """Number of draws of each sample, one row for each class."""
    labels = np.tile(dataset.labels, times)
    visits = np.bincount(np.array(whole), minlength=len(labels))
    return [visits[labels == label] for label in range(dataset.num_classes)]


@pytest.mark.parametrize('times', [1, 5])
def test_the_reverse_sampler_raises_the_rarest_third(
    write, times, monkeypatch
):
    """The class index may differ from the rank: class 1 is the rarest."""
    tail = dict(TAIL, class_order=[0, 2, 1])
    dataset = LongTailPoseDataset(
        write(make_data(3, 12)), [], split='train', long_tail=tail
    )
    assert dataset.class_counts.tolist() == [12, 3, 6]
    repeated = RepeatDataset(dataset, times=times)
    (whole,) = shares(ReverseFrequencySampler, repeated, 1, monkeypatch)
    many, few, medium = visits_by_class(whole, dataset, times)
    assert (many == 1).all() and (medium == 1).all()
    assert few.tolist() == [4] * 3 * times


@pytest.mark.parametrize(
    ('power', 'sums'),
    [
        (0, [12, 6, 3]),
        (0.5, [12, 8, 6]),
        (1, [12, 12, 12]),
        (2, [12, 24, 48]),  # BBN's sampler: in inverse proportion to the size
    ],
)
def test_the_reverse_sampler_follows_a_power(
    dataset, power, sums, monkeypatch
):
    """A class has n_max^q n^(1-q) draws, cumulated; 12 * 0.5^0.5 = 8.49."""
    kind = partial(ReverseFrequencySampler, rule='power', power=power)
    (whole,) = shares(kind, dataset, 1, monkeypatch)
    visits = visits_by_class(whole, dataset)
    assert [v.sum() for v in visits] == sums
    assert all(np.ptp(v) <= 1 for v in visits)


@pytest.mark.parametrize(
    ('class_prob', 'sums'),
    [
        ([1, 1, 1], [12, 6, 3]),
        ([1, 1.5, 3], [12, 9, 9]),  # PYSKL: one pass, and half of the class
        ([0, 2, 1 / 3], [0, 12, 1]),
        ({1: 2}, [12, 12, 3]),
    ],
)
def test_the_reverse_sampler_takes_numbers_by_class(
    dataset, class_prob, sums, monkeypatch
):
    kind = partial(ReverseFrequencySampler, class_prob=class_prob)
    (whole,) = shares(kind, dataset, 1, monkeypatch)
    visits = visits_by_class(whole, dataset)
    assert [v.sum() for v in visits] == sums
    assert all(np.ptp(v) <= 1 for v in visits)


def test_the_samples_of_a_share_differ_between_epochs(dataset, monkeypatch):
    """With 1.5 draws on average, every sample has one or two."""
    kind = partial(ReverseFrequencySampler, class_prob=[1, 1.5, 1])
    total = np.zeros(6)
    for epoch in range(40):
        (whole,) = shares(kind, dataset, 1, monkeypatch, epoch)
        visits = visits_by_class(whole, dataset)[1]
        assert sorted(visits) == [1, 1, 1, 2, 2, 2]
        total += visits
    # Five standard deviations of a mean of 40 draws of 1 or 2.
    np.testing.assert_allclose(total / 40, 1.5, atol=5 * 0.5 / 40**0.5)


@pytest.mark.parametrize(
    'class_prob', [[1, 1], [1, 1, -1], [0, 0, 0], [1, 1, np.nan], [[1, 1, 1]]]
)
def test_numbers_that_are_not_by_class_are_refused(dataset, class_prob):
    with pytest.raises(ValueError, match='`class_prob` as 3 numbers, one'):
        ReverseFrequencySampler(dataset, seed=0, class_prob=class_prob)


@pytest.mark.parametrize('options', [{}, dict(rule='power', power=0.5)])
def test_the_reverse_sampler_can_keep_the_length(
    dataset, options, monkeypatch
):
    grown, kept = (
        shares(
            partial(ReverseFrequencySampler, keep_length=keep, **options),
            RepeatDataset(dataset, times=40),
            1,
            monkeypatch,
        )[0]
        for keep in (False, True)
    )
    assert len(kept) == 40 * len(dataset) < len(grown)
    sums = [
        np.array([v.sum() for v in visits_by_class(whole, dataset, 40)])
        for whole in (grown, kept)
    ]
    ratio = len(kept) / len(grown)
    np.testing.assert_allclose(sums[0] * ratio, sums[1], atol=1)


@pytest.fixture
def ntu60(vectors, monkeypatch):
    """A data set with the class counts of NTU60-LT, over some passes."""
    counts = np.array(vectors['ros.lengths']['inputs']['class_counts'])
    monkeypatch.setattr(samplers, 'get_labels', lambda labels: labels)
    monkeypatch.setattr(samplers, 'get_class_counts', lambda _: counts)
    return counts, lambda times: np.repeat(np.arange(60), times * counts)


def drawn_labels(sampler, labels):
    """Number of draws of each class, ``(K,)``."""
    return np.bincount(labels[np.array(list(sampler), dtype=int)])


def test_an_epoch_of_brl_draws_the_tail_more_and_nobody_less(ntu60):
    """For NTU60-LT, the last 20 classes get as many draws as the largest."""
    counts, labels_of = ntu60
    labels = labels_of(1)
    sampler = ReverseFrequencySampler(labels, seed=0)
    drawn = drawn_labels(sampler, labels)
    assert drawn.tolist() == [*counts[:40], *[600] * 20]
    assert len(sampler) == drawn.sum() == 19622
    equal = lengthened(labels, seed=0)
    assert len(equal) == 19622
    assert np.abs(drawn_labels(equal, labels) / counts - 2.486).max() < 0.52


def test_the_reverse_sampler_is_the_released_one(vectors, ntu60):
    """NTU60-LT with RepeatDataset of 5; the release truncates 3000 to 2999."""
    _, labels_of = ntu60
    labels = labels_of(5)
    sampler = ReverseFrequencySampler(labels, seed=0)
    expected = vectors['ros.lengths']['expected']
    difference = sampler.draws - expected['brl_reverse_samples_per_class_x5']
    assert set(difference) == {0, 1}
    assert (sampler.draws[difference == 1] == 3000).all()
    drawn = drawn_labels(sampler, labels)
    assert drawn.tolist() == sampler.draws.tolist()
    assert len(sampler) == sampler.draws.sum() == 98110


@pytest.mark.parametrize('keep', [False, True])
def test_a_power_of_1_is_random_over_sampling(vectors, ntu60, keep):
    """Each class is drawn as often as the largest class has samples."""
    _, labels_of = ntu60
    labels = labels_of(1)
    sampler = ReverseFrequencySampler(labels, 'power', 1, keep, seed=0)
    expected = vectors['ros.lengths']['expected']
    length = 7892 if keep else expected['duplicate_to_max_epoch_len']
    drawn = drawn_labels(sampler, labels)
    assert len(sampler) == drawn.sum() == length
    assert np.abs(drawn - length / 60).max() < 1


def test_the_balanced_sampler_draws_a_sample_as_in_the_vector(vectors, ntu60):
    """Classes 0, 1, 2 and 59; 15 passes are a multiple of 60 draws."""
    counts, labels_of = ntu60
    labels = labels_of(15)
    drawn = drawn_labels(ClassBalancedSampler(labels, seed=0), labels)
    shares = drawn / drawn.sum() / counts
    expected = vectors['ros.lengths']['expected']
    np.testing.assert_allclose(
        shares[[0, 1, 2, 59]], expected['class_balanced_sample_prob']
    )


@pytest.mark.parametrize('epoch', range(EPOCHS + 1))
def test_progressive_shares_go_from_the_data_to_equal(ntu60, epoch):
    counts, labels_of = ntu60
    labels = labels_of(2)
    sampler = progressive(labels, seed=0)
    sampler.set_epoch(epoch)
    drawn = drawn_labels(sampler, labels)
    by_hand = [
        len(labels) * ((4 - epoch) / 4 * n / 7892 + epoch / 4 / 60)
        for n in counts
    ]
    assert len(sampler) == drawn.sum() == len(labels)
    assert np.abs(drawn - by_hand).max() < 1
    np.testing.assert_allclose(
        progressive_shares(counts, epoch / 4) * len(labels), by_hand
    )


@pytest.mark.parametrize('times', [1, 5])
def test_progressive_samples_take_turns(dataset, times, monkeypatch):
    """All samples come once in the first epoch, which has natural counts."""
    repeated = RepeatDataset(dataset, times=times)
    for epoch in range(EPOCHS):
        args = (progressive, repeated, 1, monkeypatch, epoch)
        (whole,) = shares(*args)
        visits = visits_by_class(whole, dataset, times)
        assert all(np.ptp(v) <= 1 for v in visits)
        once = sorted(whole) == list(range(len(repeated)))
        assert once == (epoch == 0)


def test_a_progressive_sampler_that_was_told_nothing_is_refused(dataset):
    sampler = ProgressiveSampler(dataset, seed=0)
    assert len(sampler) == len(dataset)
    with pytest.raises(RuntimeError, match='mmshapmix.SeedHook'):
        next(iter(sampler))


@pytest.mark.parametrize('progress', [-0.1, 1.5])
def test_progress_out_of_range_is_refused(progress):
    with pytest.raises(ValueError, match='`progress` from 0 to 1, but got'):
        progressive_shares(np.array([2, 1]), progress)


@pytest.mark.parametrize(
    ('times', 'keep', 'said'),
    [
        (1, False, '30 draws of 21 samples, 1.429 passes; .* 1 to 4 times'),
        (5, False, '150 draws of 21 samples, 7.143 passes; .* 5 to 20 times'),
        (5, True, '105 draws of 21 samples, 5 passes; .* 3.5 to 14 times'),
    ],
)
def test_the_reverse_sampler_says_how_many_passes_an_epoch_is(
    dataset, monkeypatch, times, keep, said
):
    """Passes over distinct samples, as messages about schedules count them."""
    lines = []
    logger = SimpleNamespace(info=lines.append)
    monkeypatch.setattr(MMLogger, 'get_current_instance', lambda: logger)
    repeated = RepeatDataset(dataset, times=times)
    ReverseFrequencySampler(repeated, keep_length=keep, seed=0)
    assert re.search(f'an epoch has {said}', lines[-1])


@pytest.mark.parametrize(
    'sampler_type',
    [ClassBalancedSampler, ProgressiveSampler, ReverseFrequencySampler],
)
@pytest.mark.parametrize('empty', [1, 2])
def test_samplers_by_class_need_every_class(write, empty, sampler_type):
    data = make_data(3, 2)
    for row in data['annotations']:
        row['label'] = 0 if row['label'] == empty else row['label']
    dataset = LongTailPoseDataset(write(data), [], num_classes=3)
    with pytest.raises(ValueError, match=rf'classes \[{empty}\] have none'):
        sampler_type(dataset)


# Seeds ----------------------------------------------------------------------


def epoch_draws(dataset, epoch=0, workers=0, disturb=False):
    sampler = ShuffleSampler(dataset, seed=3)
    sampler.set_epoch(epoch)
    loader = DataLoader(
        dataset,
        batch_size=4,
        sampler=sampler,
        num_workers=workers,
        collate_fn=pseudo_collate,
    )
    if disturb:
        np.random.seed(99)
        torch.manual_seed(99)
    return [
        draws
        for batch in loader
        for draws in zip(*batch['draws'], strict=True)
    ]


def test_draws_do_not_depend_on_workers_or_the_global_state(dataset):
    reference = epoch_draws(dataset)
    assert epoch_draws(dataset, workers=2) == reference
    assert epoch_draws(dataset, disturb=True) == reference
    assert epoch_draws(dataset, epoch=1) != reference
    assert len(set(reference)) == len(reference)


def test_the_global_state_is_left_alone(dataset):
    np.random.seed(4)
    torch.manual_seed(4)
    expected = np.random.RandomState(4).rand()
    torch_expected = torch.rand((), generator=torch.manual_seed(4))
    torch.manual_seed(4)
    epoch_draws(dataset)
    assert np.random.rand() == expected
    # The loader itself takes one number from torch's generator.
    with seeded([1]):
        inside = torch.rand(())
    torch.manual_seed(4)
    with seeded([1]):
        assert torch.rand(()) == inside
    assert torch.rand(()) == torch_expected


def test_a_repeated_sample_is_drawn_anew_within_an_epoch(dataset):
    """Also through RepeatDataset and ConcatDataset, which renumber samples."""
    wrapped = ConcatDataset([dataset, dataset])
    assert len(set(epoch_draws(wrapped))) == len(wrapped)
    repeated = RepeatDataset(dataset, times=3)
    assert len(set(epoch_draws(repeated))) == len(repeated)


def test_test_mode_depends_on_the_index_alone(write):
    path = write(make_data(3, 4))
    dataset = LongTailPoseDataset(path, [draw], test_mode=True)
    first = [dataset[i]['draws'] for i in range(3)]
    assert [dataset[i]['draws'] for i in range(3)] == first
    assert len(set(first)) == 3


def test_other_samplers_leave_training_to_the_global_state(dataset):
    assert dataset[0]['draws'] != dataset[0]['draws']
    np.random.seed(0)
    first = dataset[0]['draws'][0]
    np.random.seed(0)
    assert dataset[0]['draws'][0] == first


def test_the_index_keeps_its_seed():
    index = SampleIndex(17, (1, 2, 3))
    for other in (index % 5, index - 15, pickle.loads(pickle.dumps(index))):
        assert other.draw_seed == (1, 2, 3)
    assert (index % 5, index - 15, index) == (2, 2, 17)
