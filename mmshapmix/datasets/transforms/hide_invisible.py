"""Treatment of joints that were not seen."""

from mmcv.transforms import BaseTransform

from ...functional.augmentations import hide
from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class HideInvisible(BaseTransform):
    """Set the coordinates of invisible joints to (0, 0).

    For data such as Penn Action, whose invisible joints have placeholder
    coordinates. Its place is after ``PreNormalize2D``, where 0 is the middle
    of the picture, also in the test pipeline.

    Required keys: ``keypoint`` ``(M, T, V, C)`` and ``keypoint_score``
    ``(M, T, V)``. Modified key: ``keypoint``; the scores stay unchanged.

    Args:
        threshold: Joints with a smaller score are invisible.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def transform(self, results: dict) -> dict:
        """Hide the joints.

        Raises:
            ValueError: If there are no scores.
        """
        if 'keypoint_score' not in results:
            raise ValueError(
                'Expected `keypoint_score` to tell invisible joints, but got '
                f'{sorted(results)}. Without scores, leave HideInvisible out.'
            )
        hidden = results['keypoint_score'] < self.threshold
        results['keypoint'] = hide(results['keypoint'], hidden)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(threshold={self.threshold})'
