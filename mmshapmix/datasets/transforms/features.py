"""Modalities: joint, bone, skip and their motions."""

from collections.abc import Mapping, Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from ...functional.layouts import get_layout
from ...functional.skeletons import bone, motion, skip
from ...registry import TRANSFORMS

FEATURES = {
    'j': lambda joints, layout: joints,
    'b': bone,
    'k': skip,
    'jm': motion,
    'bm': lambda joints, layout: motion(bone(joints, layout), layout),
    'km': lambda joints, layout: motion(skip(joints, layout), layout),
}


@TRANSFORMS.register_module()
class GenSkeFeat(BaseTransform):
    """MMAction2's ``GenSkeFeat`` for every layout, with the skip modality.

    Required keys: ``keypoint`` ``(M, T, V, C)``, and on 2-D data optionally
    ``keypoint_score`` ``(M, T, V)``, which becomes the third channel.
    Modified key: ``keypoint`` ``(M, T, V, len(feats) * C)``.

    Args:
        layout: Name or dict of the skeleton.
        feats: One or more of ``'j'``, ``'b'``, ``'k'``, ``'jm'``, ``'bm'``,
            ``'km'``: joint, bone, skip, and their motions.
    """

    def __init__(
        self, layout: str | Mapping = 'nturgb+d', feats: Sequence[str] = ('j',)
    ) -> None:
        self.layout = get_layout(layout)
        unknown = [feat for feat in feats if feat not in FEATURES]
        if unknown or not feats:
            raise ValueError(
                f'Expected `feats` of {list(FEATURES)}, but got {list(feats)}.'
            )
        self.feats = list(feats)

    def transform(self, results: dict) -> dict:
        """Replace the keypoints by the features."""
        joints = results['keypoint']
        if 'keypoint_score' in results:
            score = results.pop('keypoint_score')[..., None]
            joints = np.concatenate([joints, score], axis=-1)
        results['keypoint'] = np.concatenate(
            [FEATURES[feat](joints, self.layout) for feat in self.feats],
            axis=-1,
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(layout={self.layout.name!r}, '
            f'feats={self.feats})'
        )
