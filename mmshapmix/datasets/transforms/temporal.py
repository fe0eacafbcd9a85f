"""Temporal augmentations: choice and order of the frames of a sequence.

BRL (arXiv 2308.14024, section III-A) names these augmentations; its *Sampling*
is MMAction2's ``UniformSampleFrames``. Their place is before the sampler.
"""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from ...functional.augmentations import shifted_frames
from ...registry import TRANSFORMS
from .base import RandomTransform, check_numbers, update_sequences


class RandomFrames(RandomTransform):
    """Base of transforms that take random frames of a sequence.

    Required and modified keys: ``keypoint`` ``(M, T, V, C)``, optionally
    ``keypoint_score`` ``(M, T, V)``, and ``total_frames``; frames beyond these
    are padding, which is dropped.
    """

    @abstractmethod
    def _sample_frames(self, total: int) -> np.ndarray:
        """Draw frame numbers ``(T',)`` in ``[0, total)``."""

    def _augment(self, results: dict) -> None:
        frames = self._sample_frames(results['total_frames'])
        update_sequences(results, lambda s: s[:, frames])
        results['total_frames'] = len(frames)


@TRANSFORMS.register_module()
class RandomTemporalCrop(RandomFrames):
    """Keep a random share of the sequence, from a random start.

    A sampler must follow, to choose frames from the share; ``ResizeCrop``, in
    contrast, makes the clip itself. Keys: see :class:`RandomFrames`.

    Args:
        share: Smallest and largest share of the frames; at least one frame is
            kept.
        prob: Probability.
    """

    def __init__(
        self, share: Sequence[float] = (0.5, 1.0), prob: float = 1.0
    ) -> None:
        super().__init__(prob)
        check_numbers('share', share, high=1, count=2)
        self.share = tuple(share)

    def _sample_frames(self, total: int) -> np.ndarray:
        low, high = self.share
        length = max(int(total * np.random.uniform(low, high)), 1)
        start = np.random.randint(total - length + 1)
        return np.arange(start, start + length)


@TRANSFORMS.register_module()
class RandomTemporalFlip(RandomFrames):
    """Reverse the order of the frames.

    Keys: see :class:`RandomFrames`.

    Args:
        prob: Probability.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob)

    def _sample_frames(self, total: int) -> np.ndarray:
        return np.arange(total)[::-1]


@TRANSFORMS.register_module()
class RandomTemporalShift(RandomFrames):
    """Shift the sequence along time.

    The length does not change: at the open end the first or last frame is
    repeated. Keys: see :class:`RandomFrames`.

    Args:
        share: Largest shift as a share of the frames; all shifts by whole
            frames up to it are equally probable.
        prob: Probability.
    """

    def __init__(self, share: float = 0.1, prob: float = 1.0) -> None:
        super().__init__(prob)
        check_numbers('share', share, high=1)
        self.share = share

    def _sample_frames(self, total: int) -> np.ndarray:
        most = int(self.share * total)
        return shifted_frames(total, np.random.randint(-most, most + 1))
