"""Choice of the frames of a clip."""

import numpy as np
from mmaction.datasets.transforms import UniformSampleFrames
from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class SortedSampleFrames(BaseTransform):
    """Choose random frames in order; in test mode evenly spaced ones.

    By default each frame is drawn independently, with replacement, as in
    CTR-GCN's and BRL's preparation of NW-UCLA. With ``segments``, one frame is
    drawn from each of ``clip_len`` segments of equal length, the uniform
    sampler of BRL (arXiv 2308.14024, section III-B2). For sequences of at
    least ``clip_len`` frames this equals MMAction2's ``UniformSampleFrames``,
    draw by draw. A shorter sequence, which MMAction2 repeats, is played once,
    slowly: a segment is then less than a frame, and frames are repeated.

    Required key: ``total_frames``. Added keys: ``frame_inds`` ``(clip_len,)``
    int64, ``clip_len``, ``frame_interval``, ``num_clips``.

    Args:
        clip_len: Frames of the clip.
        test_mode: Whether frames are evenly spaced instead of random.
        segments: Whether to draw one frame from each of ``clip_len`` segments
            of equal length.
    """

    def __init__(
        self, clip_len: int, test_mode: bool = False, segments: bool = False
    ) -> None:
        self.clip_len = clip_len
        self.test_mode = test_mode
        self.segments = segments
        self.uniform = UniformSampleFrames(clip_len)

    def _of_segments(self, total: int) -> np.ndarray:
        """Draw a frame of each segment, ``(clip_len,)``."""
        if total >= self.clip_len:
            return self.uniform(dict(total_frames=total))['frame_inds']
        places = np.arange(self.clip_len) + np.random.rand(self.clip_len)
        # Rounding may raise the last number to the end of the sequence.
        return np.minimum(places * total / self.clip_len, total - 1)

    def transform(self, results: dict) -> dict:
        """Choose the frames, for ``PoseDecode`` to take."""
        total = int(results['total_frames'])
        if self.test_mode:
            inds = np.linspace(0, total - 1, self.clip_len)
        elif self.segments:
            inds = self._of_segments(total)
        else:
            inds = np.sort(np.random.randint(total, size=self.clip_len))
        results.update(
            frame_inds=inds.astype(np.int64),
            clip_len=self.clip_len,
            frame_interval=None,
            num_clips=1,
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(clip_len={self.clip_len}, '
            f'test_mode={self.test_mode}, segments={self.segments})'
        )
