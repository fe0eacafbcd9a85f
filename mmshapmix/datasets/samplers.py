"""Samplers: the order of samples in an epoch, from labels and class counts.

All samplers yield :class:`~.sample_index.SampleIndex`, draw the order of an
epoch from (seed, epoch), give each rank a disjoint share of equal length, and
know their length at construction, since MMEngine fixes the schedules then.
"""

import math
from collections.abc import Iterator, Mapping, Sequence, Sized

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.logging import MMLogger
from torch.utils.data import Sampler

from ..functional.longtail import (
    check_no_empty_class,
    class_numbers,
    count_classes,
    progressive_shares,
    reverse_frequency,
)
from ..registry import DATA_SAMPLERS
from .labels import get_class_counts, get_labels
from .sample_index import SampleIndex


class LongTailSampler(Sampler):
    """Base of the samplers: ranks, epochs, seeds and the length.

    A subclass defines the samples of an epoch in :meth:`epoch_order`; a rank
    takes every ``world_size``-th of them. To make the shares equal, the first
    samples are repeated at the end, as in MMEngine's ``DefaultSampler``.

    Args:
        dataset: The data set.
        seed: Seed, equal on all ranks; ``None``: drawn and synchronised.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0

    def epoch_length(self) -> int:
        """Number of draws in an epoch, over all ranks."""
        return len(self.dataset)

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the indices of one epoch, all ranks, ``(epoch_length,)``."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[SampleIndex]:
        seed, epoch = self.seed, self.epoch
        order = self.epoch_order(np.random.default_rng([seed, epoch]))
        for step in range(len(self)):
            position = step * self.world_size + self.rank
            yield SampleIndex(
                order[position % len(order)], (seed, epoch, position)
            )

    def __len__(self) -> int:
        """Number of draws of this rank in an epoch."""
        return math.ceil(self.epoch_length() / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, on which order and the pipeline's draws depend.

        MMEngine's ``DistSamplerSeedHook`` calls this.
        """
        self.epoch = epoch


def _members_of_classes(dataset: Sized) -> list[np.ndarray]:
    """Indices of the samples of each class; empty classes are refused."""
    labels = get_labels(dataset)
    num_classes = len(get_class_counts(dataset))
    check_no_empty_class(count_classes(labels, num_classes))
    return [np.flatnonzero(labels == k) for k in range(num_classes)]


def _take_turns(
    members: np.ndarray, number: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw members in random order; none repeats before all were drawn."""
    passes = math.ceil(number / len(members))
    turns = [rng.permutation(members) for _ in range(passes)]
    return np.concatenate(turns)[:number] if turns else members[:0]


def _whole(draws: np.ndarray) -> np.ndarray:
    """Round the draws of each class so that their sum is right, too."""
    return np.diff(np.rint(draws.cumsum()), prepend=0).astype(int)


class SamplerByClass(LongTailSampler):
    """Base of the samplers that choose the class first.

    A subclass defines the number of draws of each class in
    :meth:`class_draws`, or also their order in :meth:`epoch_order`. Within a
    class, samples are in random order and none repeats before all were drawn.

    Args:
        dataset: The data set, whose labels are known without its pipeline.
        seed: Seed, equal on all ranks; ``None``: drawn and synchronised.

    Raises:
        ValueError: If a class has no sample.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        super().__init__(dataset, seed)
        self.members = _members_of_classes(dataset)
        self.sizes = np.array([len(members) for members in self.members])

    def class_draws(self) -> np.ndarray:
        """Number of draws of each class in this epoch, all ranks, ``(K,)``."""
        raise NotImplementedError

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the samples of each class in turn, and shuffle them all."""
        pairs = zip(self.members, self.class_draws(), strict=True)
        drawn = [
            _take_turns(members, number, rng) for members, number in pairs
        ]
        return rng.permutation(np.concatenate(drawn))


@DATA_SAMPLERS.register_module()
class ShuffleSampler(LongTailSampler):
    """Draws every sample once per epoch, in random order.

    With ``same_length_as``, an epoch is as long as another sampler's, so that
    a baseline has as many iterations as the run it is compared with. No sample
    repeats before all were drawn.

    Args:
        dataset: The data set.
        seed: Seed, equal on all ranks; ``None``: drawn and synchronised.
        same_length_as: Config of another sampler of the same data, whose
            length is used.
    """

    def __init__(
        self,
        dataset: Sized,
        seed: int | None = None,
        same_length_as: Mapping | None = None,
    ) -> None:
        super().__init__(dataset, seed)
        self.length = len(dataset)
        if same_length_as:
            other = DATA_SAMPLERS.build(
                dict(same_length_as),
                default_args=dict(dataset=dataset, seed=self.seed),
            )
            self.length = len(other) * self.world_size
            MMLogger.get_current_instance().info(
                f'ShuffleSampler: an epoch has {self.length} draws, as with '
                f'{type(other).__name__}.'
            )

    def epoch_length(self) -> int:
        """Number of draws in an epoch, over all ranks."""
        return self.length

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """Draw permutations of the data set, the last cut to the length."""
        return _take_turns(np.arange(len(self.dataset)), self.length, rng)


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(SamplerByClass):
    """Draws every class equally often.

    An epoch is as long as the data set. Each class is drawn ``floor`` or
    ``ceil`` of ``epoch_length / K`` times, in rounds: no class repeats before
    all were drawn.

    Args:
        dataset: The data set, whose labels are known without its pipeline.
        seed: Seed, equal on all ranks; ``None``: drawn and synchronised.

    Raises:
        ValueError: If a class has no sample.
    """

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """Draw classes in equal numbers, and the samples of each in turn."""
        length, classes = self.epoch_length(), len(self.members)
        rounds = math.ceil(length / classes)
        picked = np.concatenate(
            [rng.permutation(classes) for _ in range(rounds)]
        )[:length]
        order = np.empty(length, dtype=np.int64)
        for label, members in enumerate(self.members):
            places = np.flatnonzero(picked == label)
            order[places] = _take_turns(members, len(places), rng)
        return order


@DATA_SAMPLERS.register_module()
class ProgressiveSampler(SamplerByClass):
    """Draws classes with shares that go from those of the data to equal ones.

    Progressively-balanced sampling, Kang et al., arXiv 1910.09217. An epoch is
    as long as the data set;
    :func:`~mmshapmix.functional.longtail.progressive_shares` gives the share
    of each class in an epoch. ``SeedHook`` sets the number of epochs.

    Args:
        dataset: The data set, whose labels are known without its pipeline.
        seed: Seed, equal on all ranks; ``None``: drawn and synchronised.

    Raises:
        ValueError: If a class has no sample.
    """

    max_epochs: int | None = None

    def set_max_epochs(self, max_epochs: int) -> None:
        """Set the number of epochs, after which the shares would be equal.

        ``SeedHook`` calls this.
        """
        self.max_epochs = max_epochs

    def class_draws(self) -> np.ndarray:
        """Draws of each class in this epoch, over all ranks, ``(K,)``.

        Raises:
            RuntimeError: If the number of epochs is not set.
        """
        if self.max_epochs is None:
            raise RuntimeError(
                'Expected to be told the number of epochs before the first '
                'draw, but ProgressiveSampler was not. Train by epochs, with '
                'mmshapmix.SeedHook in `default_hooks`.'
            )
        shares = progressive_shares(self.sizes, self.epoch / self.max_epochs)
        return _whole(shares * self.epoch_length())


def _checked_class_prob(
    class_prob: Sequence[float] | Mapping[int, float] | np.ndarray,
    num_classes: int,
) -> np.ndarray:
    if isinstance(class_prob, Mapping):
        class_prob = class_numbers(class_prob, num_classes)
    numbers = np.asarray(class_prob, dtype=float)
    fits = numbers.shape == (num_classes,) and np.isfinite(numbers).all()
    if not fits or numbers.min() < 0 or numbers.max() == 0:
        raise ValueError(
            f'Expected `class_prob` as {num_classes} numbers, one for each '
            f'class, at least 0 and not all 0, but got {class_prob!r}.'
        )
    return numbers


@DATA_SAMPLERS.register_module()
class ReverseFrequencySampler(SamplerByClass):
    """Draws rare classes more often: BRL's reverse sampler, over-sampling.

    Temporal reverse perception (arXiv 2308.14024, section III-B2) is this
    sampler with ``UniformSampleFrames``, which takes other frames at each
    visit. :func:`~mmshapmix.functional.longtail.reverse_frequency` gives the
    number of draws of a sample: samples of rare classes are drawn more often,
    and no other sample less often. An epoch is therefore longer than the data
    set. Its length in passes is logged, since runs with the same number of
    epochs then differ in iterations. ``same_length_as`` of ``ShuffleSampler``
    gives a baseline the same length.

    With ``rule='power'``, a power of 1 is random over-sampling: every class is
    repeated up to the size of the largest (36 000 draws of the 7892 samples of
    NTU60-LT; with ``keep_length``, 7892 draws). 0.5 is square-root sampling,
    and 2 the reversed sampler of BBN (Zhou et al., arXiv 1912.02413), which
    draws a class in inverse proportion to its size.

    Args:
        dataset: The data set, whose labels are known without its pipeline.
        rule: ``'rank'``, the released rule, or ``'power'``.
        power: Exponent q of ``'power'``.
        keep_length: Whether to draw as many samples as the data set has, with
            the same frequencies relative to each other, so that samples of
            other classes are drawn less than once. BRL does not do this.
        seed: Seed, equal on all ranks; ``None``: drawn and synchronised.
        class_prob: Draws of each sample by class, as in PYSKL, instead of a
            rule: K numbers, or a dict that can leave out classes of 1. Of a
            class with 1.5, half of the samples are drawn twice and the others
            once; of a class with 0, none.

    Raises:
        ValueError: For a bad rule, power or ``class_prob``, or a class without
            samples.
    """

    def __init__(
        self,
        dataset: Sized,
        rule: str = 'rank',
        power: float = 1.0,
        keep_length: bool = False,
        seed: int | None = None,
        class_prob: Sequence[float]
        | Mapping[int, float]
        | np.ndarray
        | None = None,
    ) -> None:
        super().__init__(dataset, seed)
        if class_prob is None:
            class_prob = reverse_frequency(self.sizes, rule, power)
        draws = _checked_class_prob(class_prob, len(self.sizes)) * self.sizes
        if keep_length:
            draws *= len(dataset) / draws.sum()
        self.draws = _whole(draws)
        self._say_passes()

    def _say_passes(self) -> None:
        counts = get_class_counts(self.dataset)  # without repetitions
        total, drawn = self.draws.sum(), self.draws / counts
        MMLogger.get_current_instance().info(
            f'{type(self).__name__}: an epoch has {total} draws of '
            f'{counts.sum()} samples, {total / counts.sum():.4g} passes; a '
            f'sample is drawn {drawn.min():.3g} to {drawn.max():.3g} times.'
        )

    def epoch_length(self) -> int:
        """Number of draws in an epoch, over all ranks."""
        return int(self.draws.sum())

    def class_draws(self) -> np.ndarray:
        """Number of draws of each class in any epoch, all ranks, ``(K,)``."""
        return self.draws
