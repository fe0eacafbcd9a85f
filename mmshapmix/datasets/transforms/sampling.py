"""Choice of frames."""

import numpy as np
from mmaction.datasets.transforms import UniformSampleFrames
from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class SortedSampleFrames(BaseTransform):
    """Random frames in order; in test mode evenly spaced ones.

    Any frames, each as often as it is drawn, as in CTR-GCN's and BRL's
    preparation of NW-UCLA; or, with ``segments``, one of each of ``clip_len``
    segments of equal length, the uniform sampler of BRL (arXiv 2308.14024,
    section III-B2). That is MMAction2's ``UniformSampleFrames``, draw by draw,
    where a sequence has as many frames as a clip, or more. A shorter one,
    which MMAction2 plays over and over, is played once, slowly: a segment is
    less than a frame then, and frames come repeatedly.

    Required key: ``total_frames``. Added keys: ``frame_inds`` ``(clip_len,)``
    int64, ``clip_len``, ``frame_interval``, ``num_clips``.

    Args:
        clip_len: Frames of the clip.
        test_mode: Evenly spaced instead of random.
        segments: One random frame of each of ``clip_len`` equal segments.
    """

    def __init__(
        self, clip_len: int, test_mode: bool = False, segments: bool = False
    ) -> None:
        self.clip_len = clip_len
        self.test_mode = test_mode
        self.segments = segments
        self.uniform = UniformSampleFrames(clip_len)

    def _of_segments(self, total: int) -> np.ndarray:
        """A random frame of each segment, ``(clip_len,)``."""
        if total >= self.clip_len:
            return self.uniform(dict(total_frames=total))['frame_inds']
        places = np.arange(self.clip_len) + np.random.rand(self.clip_len)
        # The last may be rounded up to the end of the sequence.
        return np.minimum(places * total / self.clip_len, total - 1)

    def transform(self, results: dict) -> dict:
        """Choose the frames; ``PoseDecode`` takes them."""
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
