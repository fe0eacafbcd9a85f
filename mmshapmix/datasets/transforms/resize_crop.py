"""Crop and resize of a sequence along time."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from ...functional.skeletons import resize_frames
from ...registry import TRANSFORMS
from .base import update_sequences


@TRANSFORMS.register_module()
class ResizeCrop(BaseTransform):
    """Temporal Resize-Crop of CTR-GCN (arXiv 2107.12213) and Shap-Mix.

    A random share of the sequence from a random start, at least ``clip_len``
    frames if the sequence has as many, is resized to ``clip_len`` frames; in
    test mode, a fixed share from the middle. The transform makes the clip
    itself; no ``PoseDecode`` may follow.

    Required keys: ``keypoint`` ``(M, T, V, C)`` and ``total_frames``; frames
    beyond these are padding and are not read. Optional key: ``keypoint_score``
    ``(M, T, V)``. Modified keys: all of these, to ``clip_len`` frames. Added
    keys: ``clip_len``, ``frame_interval``, ``num_clips``.

    Args:
        clip_len: Frames of the clip.
        share: Smallest and largest share of the frames; in test mode, one
            number.
        test_mode: Whether to crop the middle instead of a random share.

    Raises:
        ValueError: For a clip or a share without frames.
    """

    def __init__(
        self,
        clip_len: int,
        share: float | Sequence[float],
        test_mode: bool = False,
    ) -> None:
        if not isinstance(clip_len, int) or clip_len < 1:
            raise ValueError(
                'Expected `clip_len` as a number of frames, at least 1, but '
                f'got {clip_len!r}.'
            )
        shares: list[float] = np.atleast_1d(share).tolist()
        numbers, form = (
            (1, 'one number') if test_mode else (2, '(smallest, largest)')
        )
        if len(shares) != numbers or not 0 < shares[0] <= shares[-1] <= 1:
            raise ValueError(
                f'Expected `share` as {form} above 0, up to 1, with '
                f'test_mode={test_mode}, but got {share!r}.'
            )
        self.clip_len = clip_len
        self.share = share
        self._shares = shares
        self.test_mode = test_mode

    def _sample_crop(self, total: int) -> tuple[int, int]:
        """Draw the first frame of the crop, and the frame after its last."""
        if self.test_mode:
            margin = int((1 - self._shares[0]) * total / 2)
            return margin, total - margin
        low, high = self._shares
        length = int(total * np.random.uniform(low, high))
        length = min(max(length, self.clip_len), total)
        start = np.random.randint(total - length + 1)
        return start, start + length

    def transform(self, results: dict) -> dict:
        """Replace the sequence by the clip."""
        start, stop = self._sample_crop(results['total_frames'])
        update_sequences(
            results, lambda s: resize_frames(s[:, start:stop], self.clip_len)
        )
        results.update(
            total_frames=self.clip_len,
            clip_len=self.clip_len,
            frame_interval=None,
            num_clips=1,
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(clip_len={self.clip_len}, '
            f'share={self.share}, test_mode={self.test_mode})'
        )
