"""Filters: noise on the coordinates, and smoothing along time.

BRL (arXiv 2308.14024, section III-A) names these augmentations; the defaults
are AimCLR's (arXiv 2112.03590). Their place is before ``GenSkeFeat``, where
``keypoint`` contains only coordinates. All-zero joints are missing and stay
missing.
"""

from collections.abc import Sequence

import numpy as np

from ...functional.augmentations import add_noise, blur
from ...registry import TRANSFORMS
from .base import RandomTransform, check_numbers, update_sequences


@TRANSFORMS.register_module()
class GaussianNoise(RandomTransform):
    """Add independent normal noise to all coordinates of present joints.

    Required and modified key: ``keypoint`` ``(M, T, V, C)``.

    Args:
        std: Standard deviation, in the units of the coordinates.
        prob: Probability.
    """

    def __init__(self, std: float = 0.01, prob: float = 1.0) -> None:
        super().__init__(prob)
        check_numbers('std', std)
        self.std = std

    def _augment(self, results: dict) -> None:
        joints = results['keypoint']
        noise = np.random.normal(0, self.std, joints.shape)
        results['keypoint'] = add_noise(joints, noise)


@TRANSFORMS.register_module()
class GaussianBlur(RandomTransform):
    """Smooth the motion by a Gaussian of random width along time.

    Required and modified keys: ``keypoint`` ``(M, T, V, C)``, and
    ``total_frames``; frames beyond these are padding, which is dropped, also
    from ``keypoint_score`` ``(M, T, V)``. Its place is before the sampler.

    Args:
        sigma: Smallest and largest standard deviation, in frames.
        prob: Probability.
    """

    def __init__(
        self, sigma: Sequence[float] = (0.1, 2.0), prob: float = 0.5
    ) -> None:
        super().__init__(prob)
        check_numbers('sigma', sigma, count=2)
        self.sigma = tuple(sigma)

    def _augment(self, results: dict) -> None:
        update_sequences(results, lambda s: s[:, : results['total_frames']])
        low, high = self.sigma
        sigma = np.random.uniform(low, high)
        results['keypoint'] = blur(results['keypoint'], sigma)
