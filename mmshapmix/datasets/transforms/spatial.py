"""Spatial augmentations: the same change in every frame of a sequence.

BRL (arXiv 2308.14024, section III-A) names these augmentations. Their place is
before ``GenSkeFeat``, where ``keypoint`` contains only coordinates. All-zero
joints are missing and stay missing.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from ...functional.augmentations import (
    hide,
    map_linearly,
    reflect,
    rotation,
    shear,
    swap_sides,
)
from ...functional.layouts import get_layout, joint_masks
from ...registry import TRANSFORMS
from .base import RandomTransform, check_numbers, update_sequences


@TRANSFORMS.register_module()
class RandomSwapSides(RandomTransform):
    """Exchange left and right joints without reflecting the coordinates.

    ``Spatial_Flip`` of BRL's released code (arXiv 2308.14024). The left hand
    moves to the place of the right hand. No real body looks like the result:
    a body that faced the viewer faces away and bends its knees the wrong way.
    For a true mirror image, use :class:`RandomFlip`.

    Required and modified keys: ``keypoint`` ``(M, T, V, C)`` and optionally
    ``keypoint_score`` ``(M, T, V)``.

    Args:
        layout: Name or dict of the skeleton.
        prob: Probability.

    Raises:
        ValueError: If the layout has no mirror pairs.
    """

    def __init__(
        self, layout: str | Mapping = 'nturgb+d', prob: float = 0.5
    ) -> None:
        super().__init__(prob)
        self.layout = get_layout(layout)
        if not self.layout.mirror:
            raise ValueError(
                'Expected a layout with `mirror` pairs, but '
                f'{self.layout.name!r} has none.'
            )

    def _augment(self, results: dict) -> None:
        update_sequences(results, lambda s: swap_sides(s, self.layout))


@TRANSFORMS.register_module()
class RandomFlip(RandomSwapSides):
    """Mirror a sequence: x changes sign, and left and right joints swap.

    A left-handed wave becomes a right-handed one. The transform needs
    coordinates with x = 0 in the middle, so its place is after
    ``PreNormalize3D`` or ``PreNormalize2D``: in pixels, the mirror image would
    lie outside of the picture.

    Required and modified keys: ``keypoint`` ``(M, T, V, C)``, C = 3 or 2, and
    optionally ``keypoint_score`` ``(M, T, V)``, whose sides swap, too.

    Args:
        layout: Name or dict of the skeleton.
        prob: Probability.

    Raises:
        ValueError: If the layout has no mirror pairs.
    """

    def _augment(self, results: dict) -> None:
        super()._augment(results)
        results['keypoint'] = reflect(results['keypoint'])


class RandomLinearMap(RandomTransform):
    """Multiplies all coordinates of a sequence by one random matrix.

    Required and modified key: ``keypoint`` ``(M, T, V, C)``, C = 3 or 2.
    """

    @abstractmethod
    def _sample_matrix(self, dims: int) -> np.ndarray:
        """Draw a matrix ``(dims, dims)``."""

    def _augment(self, results: dict) -> None:
        joints = results['keypoint']
        matrix = self._sample_matrix(joints.shape[-1])
        results['keypoint'] = map_linearly(joints, matrix)


@TRANSFORMS.register_module()
class RandomRotate(RandomLinearMap):
    """Rotate a whole sequence by random angles about the axes.

    Required and modified key: ``keypoint`` ``(M, T, V, 3)``, or ``(M, T, V,
    2)``, which rotates in its plane, about the origin.

    Args:
        degrees: Largest angles about the x, y and z axis; the angles are
            uniform in ``[-degrees, degrees]``. For 2-D skeletons the first two
            must be 0.
        prob: Probability.
    """

    def __init__(self, degrees: Sequence[float], prob: float = 1.0) -> None:
        super().__init__(prob)
        if len(degrees) != 3:
            raise ValueError(
                f'Expected `degrees` about x, y and z, but got {degrees!r}.'
            )
        self.degrees = tuple(degrees)

    def _sample_matrix(self, dims: int) -> np.ndarray:
        if dims == 2 and any(self.degrees[:2]):
            raise ValueError(
                'Expected `degrees` of (0, 0, z) for skeletons in a plane, '
                f'but got {self.degrees}.'
            )
        angles = np.deg2rad(self.degrees) * np.random.uniform(-1, 1, 3)
        return rotation(angles)[:dims, :dims]


@TRANSFORMS.register_module()
class RandomScale(RandomLinearMap):
    """Stretch a sequence along each axis by a separate random factor.

    As in PYSKL; BRL (arXiv 2308.14024) trains on NTU with 0.1. Required and
    modified key: ``keypoint`` ``(M, T, V, C)``, centred at the origin.

    Args:
        scale: The factors are uniform in ``[1 - scale, 1 + scale]``; at most
            1, since negative factors would mirror the body.
        prob: Probability.
    """

    def __init__(self, scale: float = 0.1, prob: float = 1.0) -> None:
        super().__init__(prob)
        check_numbers('scale', scale, high=1)
        self.scale = scale

    def _sample_matrix(self, dims: int) -> np.ndarray:
        return np.diag(1 + np.random.uniform(-self.scale, self.scale, dims))


@TRANSFORMS.register_module()
class RandomShear(RandomLinearMap):
    """Shear a sequence: each coordinate gets random shares of the others.

    AimCLR, arXiv 2112.03590. Required and modified key: ``keypoint``
    ``(M, T, V, C)``, centred at the origin.

    Args:
        shear: The shares are uniform in ``[-shear, shear]``.
        prob: Probability.
    """

    def __init__(self, shear: float = 0.5, prob: float = 1.0) -> None:
        super().__init__(prob)
        check_numbers('shear', shear)
        self.shear = shear

    def _sample_matrix(self, dims: int) -> np.ndarray:
        return shear(np.random.uniform(-self.shear, self.shear, (dims, dims)))


@TRANSFORMS.register_module()
class RandomAxisMask(RandomLinearMap):
    """Set one random coordinate of a whole sequence to zero.

    BRL's *Mask*, AimCLR's axis mask (arXiv 2112.03590). Required and modified
    key: ``keypoint`` ``(M, T, V, C)``, centred at the origin.

    Args:
        prob: Probability.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob)

    def _sample_matrix(self, dims: int) -> np.ndarray:
        kept = np.ones(dims)
        kept[np.random.randint(dims)] = 0
        return np.diag(kept)


@TRANSFORMS.register_module()
class RandomPartDrop(RandomTransform):
    """Hide random body parts for the whole sequence.

    BRL's *Part Drop*. Required and modified keys: ``keypoint`` ``(M, T, V,
    C)`` and optionally ``keypoint_score`` ``(M, T, V)``. Coordinates and
    scores of hidden joints become 0, the mark of missing joints.

    Args:
        layout: Name or dict of the skeleton.
        prob: Probability.
        num_parts: Number of hidden parts, less than all.

    Raises:
        ValueError: If the layout has no parts, or not more than ``num_parts``.
    """

    def __init__(
        self,
        layout: str | Mapping = 'nturgb+d',
        prob: float = 0.5,
        num_parts: int = 1,
    ) -> None:
        super().__init__(prob)
        self.layout = get_layout(layout)
        self._masks = joint_masks(self.layout).bool().numpy()
        if num_parts not in range(1, len(self._masks)):
            raise ValueError(
                f'Expected `num_parts` from 1 to {len(self._masks) - 1} in '
                f'layout {self.layout.name!r}, but got {num_parts!r}.'
            )
        self.num_parts = num_parts

    def _augment(self, results: dict) -> None:
        parts = np.random.choice(len(self._masks), self.num_parts, False)
        hidden = np.any(self._masks[parts], 0)
        update_sequences(results, lambda s: hide(s, hidden))
