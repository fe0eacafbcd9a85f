"""Choice of frames."""

import numpy as np
from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class SortedSampleFrames(BaseTransform):
    """Random frames in order, with repeats; in test mode evenly spaced ones.

    As in CTR-GCN's and BRL's preparation of NW-UCLA. Required key:
    ``total_frames``. Added keys: ``frame_inds`` ``(clip_len,)`` int64,
    ``clip_len``, ``frame_interval``, ``num_clips``.

    Args:
        clip_len: Frames of the clip.
        test_mode: Evenly spaced instead of random.
    """

    def __init__(self, clip_len: int, test_mode: bool = False) -> None:
        self.clip_len = clip_len
        self.test_mode = test_mode

    def transform(self, results: dict) -> dict:
        """Choose the frames; ``PoseDecode`` takes them."""
        total = results['total_frames']
        if self.test_mode:
            inds = np.linspace(0, total - 1, self.clip_len).astype(np.int64)
        else:
            inds = np.sort(np.random.randint(total, size=self.clip_len))
        results.update(
            frame_inds=inds,
            clip_len=self.clip_len,
            frame_interval=None,
            num_clips=1,
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(clip_len={self.clip_len}, '
            f'test_mode={self.test_mode})'
        )
