"""Normalisation of 3-D skeletons."""

from collections.abc import Mapping

from mmcv.transforms import BaseTransform

from ...functional.layouts import get_layout
from ...functional.skeletons import align_body, drop_empty_frames, min_max
from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class PreNormalize3D(BaseTransform):
    """MMAction2's ``PreNormalize3D`` with the axes of any 3-D layout.

    Required and modified keys: ``keypoint`` ``(M, T, V, 3)``, in the sensor's
    units, and ``total_frames``, since empty frames are dropped.

    Args:
        layout: Name or dict of the skeleton.
    """

    def __init__(self, layout: str | Mapping = 'nturgb+d') -> None:
        self.layout = get_layout(layout)

    def transform(self, results: dict) -> dict:
        """Drop empty frames and align the body."""
        joints = drop_empty_frames(results['keypoint'])
        results['keypoint'] = align_body(joints, self.layout)
        results['total_frames'] = joints.shape[1]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(layout={self.layout.name!r})'


@TRANSFORMS.register_module()
class MinMaxNormalize(BaseTransform):
    """Scale each coordinate of a sequence to [-1, 1], as for NW-UCLA.

    Required and modified key: ``keypoint`` ``(M, T, V, C)``. CTR-GCN and BRL
    centre the sequence and scale it by a random factor before; neither is left
    to see after this.
    """

    def transform(self, results: dict) -> dict:
        """Scale the keypoints."""
        results['keypoint'] = min_max(results['keypoint'])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
