"""Base class and checks that the augmentations share."""

from abc import abstractmethod
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform


def check_numbers(
    name: str, value: Any, high: float = np.inf, count: int = 1
) -> None:
    """Check that an option is a number, or a range of numbers.

    Args:
        name: Name of the option.
        value: A number, or (smallest, largest) if ``count`` is 2.
        high: Largest permitted number; the smallest is 0.
        count: 1 or 2.

    Raises:
        ValueError: For any other value; the message names the option and its
            permitted values.
    """
    numbers: list[Any] = [value] if np.isscalar(value) else list(value)
    ascend = all(a <= b for a, b in pairwise([0, *numbers, high]))
    if len(numbers) != count or not ascend:
        form = {1: 'one number', 2: '(smallest, largest)'}[count]
        limits = 'at least 0' if high == np.inf else f'from 0 to {high}'
        raise ValueError(
            f'Expected `{name}` as {form}, {limits}, but got {value!r}.'
        )


def update_sequences(
    results: dict, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Replace the keypoints, and the scores if there are any.

    Args:
        results: Dict with ``keypoint`` ``(M, T, V, C)`` and optionally
            ``keypoint_score`` ``(M, T, V)``; changed.
        change: Function from the old array to the new one.
    """
    for key in ('keypoint', 'keypoint_score'):
        if key in results:
            results[key] = change(results[key])


class RandomTransform(BaseTransform):
    """Base of transforms that augment a sequence with some probability.

    Subclasses implement ``_augment``. All draws are from numpy's global
    generator.

    Args:
        prob: Probability of the augmentation. At 1 no number is drawn for the
            decision.

    Raises:
        ValueError: If the probability is not in [0, 1].
    """

    def __init__(self, prob: float) -> None:
        check_numbers('prob', prob, high=1)
        self.prob = prob

    @abstractmethod
    def _augment(self, results: dict) -> None:
        """Draw, and replace the changed arrays in ``results``."""

    def transform(self, results: dict) -> dict:
        """Augment the sequence, or leave it unchanged."""
        if self.prob == 1 or np.random.rand() < self.prob:
            self._augment(results)
        return results

    def __repr__(self) -> str:
        options = ', '.join(
            f'{name}={getattr(value, "name", value)!r}'
            for name, value in vars(self).items()
            if not name.startswith('_')
        )
        return f'{type(self).__name__}({options})'
