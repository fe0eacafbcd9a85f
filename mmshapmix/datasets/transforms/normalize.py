"""Normalisation of skeletons, 3-D and 2-D."""

from collections.abc import Mapping, Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from ...functional.augmentations import hide
from ...functional.layouts import get_layout
from ...functional.skeletons import (
    align_body,
    drop_empty_frames,
    fit_box,
    fit_visible,
    min_max,
)
from ...registry import TRANSFORMS

MODES = ('auto', 'fix')
LEAST_SIDE = 10.0
"""Pixels; a box with a side this long or shorter counts as already scaled."""


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
class PreNormalize2D(BaseTransform):
    """Scale a 2-D sequence to [-1, 1], as PYSKL does since 2023-02.

    Joints that were not seen become (0, 0), the middle. Earlier versions of
    PYSKL kept their coordinates, and MMAction2 does; for this, set
    ``threshold=None``.

    Required key: ``keypoint`` ``(M, T, V, 2)``, in pixels. Optional keys:
    ``keypoint_score`` ``(M, T, V)``, without which all joints are visible, and
    ``img_shape``, (height, width). Modified key: ``keypoint``, to float32; the
    scores stay in their key, for ``GenSkeFeat`` or ``FormatGCNInput``.

    Args:
        threshold: Joints with this score or a smaller one are invisible;
            ``None``: all joints are visible.
        img_shape: (height, width) of samples without ``img_shape``.
        mode: ``'fix'``: the picture becomes [-1, 1]; ``'auto'``: the box of
            the visible joints of the sequence becomes [-1, 1] if both its
            sides are longer than 10 pixels, and otherwise the coordinates stay
            unchanged.

    Raises:
        ValueError: For any other mode.
    """

    def __init__(
        self,
        threshold: float | None = 0.01,
        img_shape: Sequence[int] = (1080, 1920),
        mode: str = 'fix',
    ) -> None:
        if mode not in MODES:
            raise ValueError(
                f'Expected `mode` of {list(MODES)}, but got {mode!r}.'
            )
        self.threshold = threshold
        self.img_shape = tuple(img_shape)
        self.mode = mode

    def transform(self, results: dict) -> dict:
        """Scale the keypoints, and hide those that are not visible.

        Raises:
            ValueError: If the keypoints have not two coordinates.
        """
        joints = np.asarray(results['keypoint'], dtype=np.float32)
        if joints.shape[-1] != 2:
            raise ValueError(
                'Expected `keypoint` with two coordinates, but got shape '
                f'{joints.shape}. Leave scores in `keypoint_score`.'
            )
        visible: np.ndarray = np.ones(joints.shape[:3], dtype=bool)
        if self.threshold is not None and 'keypoint_score' in results:
            score = np.asarray(results['keypoint_score'], dtype=np.float32)
            visible = score > self.threshold
        if self.mode == 'auto':
            joints = fit_visible(joints, visible, LEAST_SIDE)
        else:
            height, width = results.get('img_shape', self.img_shape)
            joints = fit_box(joints, np.zeros(2), np.array([width, height]))
        results['keypoint'] = hide(joints, ~visible)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(threshold={self.threshold}, '
            f'img_shape={self.img_shape}, mode={self.mode!r})'
        )


@TRANSFORMS.register_module()
class MinMaxNormalize(BaseTransform):
    """Scale each coordinate of a sequence to [-1, 1], as for NW-UCLA.

    Required and modified key: ``keypoint`` ``(M, T, V, C)``. CTR-GCN and BRL
    centre the sequence and scale it by a random factor before; neither has an
    effect on the result.
    """

    def transform(self, results: dict) -> dict:
        """Scale the keypoints."""
        results['keypoint'] = min_max(results['keypoint'])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
