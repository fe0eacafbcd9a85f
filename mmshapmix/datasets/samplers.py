"""Samplers: class counts → which sample comes next.

All of them yield :class:`~.sample_index.SampleIndex`, draw the order of an
epoch from (seed, epoch), give every rank a disjoint share of it of equal
length, and know their length at construction, since MMEngine fixes schedules
then.
"""

import math
from collections.abc import Iterator, Sized

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from ..registry import DATA_SAMPLERS
from .labels import get_class_counts, get_labels
from .sample_index import SampleIndex


class LongTailSampler(Sampler):
    """What the samplers share: ranks, epochs, seeds and the length.

    A subclass says in :meth:`epoch_order` which samples an epoch has; a rank
    takes every ``world_size``-th of them. To make the shares equal, the first
    are repeated at the end, as in MMEngine's ``DefaultSampler``.

    Args:
        dataset: The data set.
        seed: The same on all ranks; none: drawn and synchronised.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.num_samples = math.ceil(self.epoch_length() / self.world_size)

    def epoch_length(self) -> int:
        """Samples of an epoch over all ranks."""
        return len(self.dataset)

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """Indices of one epoch over all ranks, ``(epoch_length,)``."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[SampleIndex]:
        seed, epoch = self.seed, self.epoch
        order = self.epoch_order(np.random.default_rng([seed, epoch]))
        for step in range(self.num_samples):
            position = step * self.world_size + self.rank
            yield SampleIndex(
                order[position % len(order)], (seed, epoch, position)
            )

    def __len__(self) -> int:
        """Samples of this rank in an epoch."""
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which the order and the pipelines' draws depend on.

        MMEngine's ``DistSamplerSeedHook`` calls this.
        """
        self.epoch = epoch


@DATA_SAMPLERS.register_module()
class ShuffleSampler(LongTailSampler):
    """Every sample once an epoch, in random order."""

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """A permutation of the data set."""
        return rng.permutation(len(self.dataset))


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(LongTailSampler):
    """Every class equally often.

    An epoch is as long as the data set. It holds each class ``floor`` or
    ``ceil`` of ``epoch_length / K`` times; within a class, samples come in
    random order and none comes again before all have come.

    Args:
        dataset: The data set, whose labels are known without its pipeline.
        seed: The same on all ranks; none: drawn and synchronised.

    Raises:
        ValueError: If a class has no sample.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        labels = get_labels(dataset)
        num_classes = len(get_class_counts(dataset))
        self.members = [
            np.flatnonzero(labels == k) for k in range(num_classes)
        ]
        empty = [k for k, m in enumerate(self.members) if len(m) == 0]
        if empty:
            raise ValueError(
                'Expected at least one training sample in each '
                f'class, but classes {empty} have none.'
            )
        super().__init__(dataset, seed)

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """Random classes in equal numbers, each with its samples in turn."""
        length, classes = self.epoch_length(), len(self.members)
        rounds = math.ceil(length / classes)
        picked = np.concatenate(
            [rng.permutation(classes) for _ in range(rounds)]
        )[:length]
        order = np.empty(length, dtype=np.int64)
        for label, members in enumerate(self.members):
            places = np.flatnonzero(picked == label)
            passes = math.ceil(len(places) / len(members))
            order[places] = np.concatenate(
                [rng.permutation(members) for _ in range(passes)]
            )[: len(places)]
        return order
