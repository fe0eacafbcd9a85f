"""Random views of a skeleton."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from ...functional.skeletons import rotate
from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomRotate(BaseTransform):
    """Turn a whole sequence by random angles about the axes.

    Required and modified key: ``keypoint`` ``(M, T, V, 3)``, or ``(M, T, V,
    2)``, which turns in its plane, about the origin.

    Args:
        degrees: Largest angle about the x, y and z axis; the angles are
            uniform in ``[-degrees, degrees]``. In a plane, the first two must
            be 0.
    """

    def __init__(self, degrees: Sequence[float]) -> None:
        if len(degrees) != 3:
            raise ValueError(
                f'Expected `degrees` about x, y and z, but got {degrees!r}.'
            )
        self.degrees = tuple(degrees)

    def transform(self, results: dict) -> dict:
        """Turn the keypoints."""
        joints = results['keypoint']
        if joints.shape[-1] == 2 and any(self.degrees[:2]):
            raise ValueError(
                'Expected `degrees` of (0, 0, z) for skeletons in a plane, '
                f'but got {self.degrees}.'
            )
        angles = np.deg2rad(self.degrees) * np.random.uniform(-1, 1, 3)
        results['keypoint'] = rotate(joints, angles)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(degrees={self.degrees})'
