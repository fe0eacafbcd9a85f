"""Warnings of data that can be trained on but are probably mistaken."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .samples import Annotation, place

# Transforms that expect pixels; our PreNormalize2D does so with mode='fix'.
OF_PIXELS = ('PreNormalize2D', 'PoseCompact', 'GeneratePoseTarget')


def takes_pixels(transforms: Iterable[Any]) -> bool:
    """Return whether a pipeline expects 2-D coordinates in pixels."""
    return any(
        type(transform).__name__ in OF_PIXELS
        and getattr(transform, 'mode', 'fix') == 'fix'
        for transform in transforms
    )


def is_scaled(keypoint: np.ndarray) -> bool:
    """Return whether all coordinates of a 2-D sample lie within -1..1.

    Args:
        keypoint: ``(M, T, V, C)``, finite.
    """
    flat = keypoint.shape[-1] == 2
    return flat and 0 < max(keypoint.max(), -keypoint.min()) <= 1


def is_collapsed(keypoint: np.ndarray) -> bool:
    """Return whether all joints of a person coincide in most frames.

    Frames in which all joints are 0 do not count: the person is absent. A
    sample with only such frames counts as collapsed.

    Args:
        keypoint: ``(M, T, V, C)``, finite.
    """
    first = keypoint[:, :, :1]
    # A fast check first: in nearly all samples, joints 0 and 1 never coincide.
    alike = (first == keypoint[:, :, 1:2]).all((2, 3))
    if keypoint.shape[2] == 1 or not alike.any():
        return False
    same = (first == keypoint).all((2, 3))
    there = (keypoint != 0).any((2, 3))
    persons = there.any(1)
    often = (same & there).sum(1) > there.sum(1) / 2
    return bool((often & persons).any() or not persons.any())


class Doubts:
    """Collects doubtful samples of a data set, and warns once.

    Args:
        pixels: Whether the pipeline takes 2-D coordinates for pixels.
    """

    def __init__(self, pixels: bool) -> None:
        self.pixels = pixels
        self.seen: dict[str, list[Annotation]] = {}
        self.total = 0

    def look(self, annotation: Annotation) -> None:
        """Check a sample that is not bad, and keep it if it is doubtful."""
        keypoint = annotation.get('keypoint')
        self.total += 1
        if keypoint is None or keypoint.ndim != 4:
            return
        if is_collapsed(keypoint):
            what = 'all joints of a person are in one place in most frames'
            self.seen.setdefault(what, []).append(annotation)
        elif self.pixels and is_scaled(keypoint):
            what = (
                'all coordinates lie within -1..1, which the pipeline takes '
                'for pixels and divides by the picture'
            )
            self.seen.setdefault(what, []).append(annotation)

    def warn(self, source: str) -> None:
        """Warn of all doubtful samples, with the first one of each kind."""
        if not self.seen:
            return
        doubts = [
            f'in {len(found)} of {self.total} samples {what}; the first is '
            f'{place(found[0], source)}'
            for what, found in self.seen.items()
        ]
        warnings.warn(
            f'Probably a mistake: {"; ".join(doubts)}.', stacklevel=2
        )
