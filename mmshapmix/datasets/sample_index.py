"""Dataset indices that carry the seed of their draw.

A pipeline's draws for a sample must not depend on workers, on validation or on
an interruption, and must differ between two visits of one sample in an epoch
(repeated data sets, over-sampling). Therefore the sampler, which knows the
seed, the epoch and the position, sends all three along with the index, and
:class:`~.longtail_pose_dataset.LongTailPoseDataset` seeds its pipeline with
them.
"""

import contextlib
import random
from collections.abc import Iterator, Sequence

import numpy as np
import torch


class SampleIndex(int):
    """An index with the seed of its draw.

    MMEngine's ``RepeatDataset`` and ``ConcatDataset`` compute the inner index
    by ``%`` and ``-``; both operations keep the seed.
    """

    draw_seed: tuple[int, ...]

    def __new__(cls, index: int, draw_seed: Sequence[int]) -> 'SampleIndex':
        """Make an index from an integer and the parts of its seed."""
        self = super().__new__(cls, index)
        self.draw_seed = tuple(draw_seed)
        return self

    def __getnewargs__(self) -> tuple:
        return int(self), self.draw_seed

    def __mod__(self, other: int) -> 'SampleIndex':
        return SampleIndex(int(self) % other, self.draw_seed)

    def __sub__(self, other: int) -> 'SampleIndex':
        return SampleIndex(int(self) - other, self.draw_seed)


@contextlib.contextmanager
def seeded(seed: Sequence[int]) -> Iterator[None]:
    """Seed Python's, numpy's and torch's global generators, then restore them.

    Stock transforms draw from the global generators, and MMAction2's
    test-mode ``UniformSampleFrames`` resets numpy's.

    Args:
        seed: Non-negative integers that together form the seed.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    torch_state = torch.get_rng_state()
    value = int(np.random.SeedSequence(list(seed)).generate_state(1)[0])
    random.seed(value)
    np.random.seed(value)
    # Not torch.manual_seed: that would also touch the devices' generators.
    torch.default_generator.manual_seed(value)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
