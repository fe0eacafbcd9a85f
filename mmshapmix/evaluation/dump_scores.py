"""Scores of all samples in a file, for fusion and for MMAction2's reports."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import DumpResults
from mmengine.logging import print_log

from ..datasets.annotations import save_pickle
from ..functional.longtail import ClassCounts
from ..registry import METRICS

KEYS = ('pred_score', 'gt_label', 'frame_dir')
"""What is kept of a sample; ``frame_dir`` is its name."""

LOGITS = 'pred_logit'
"""And this, where ``KeepLogitsHook`` has given it."""


def plain(value: Any) -> Any:
    """An array of its own for a tensor, which may be part of a batch."""
    if not isinstance(value, torch.Tensor):
        return value
    if value.dtype == torch.bfloat16:  # numpy has none
        value = value.float()
    return value.cpu().numpy().copy()


class _Tensor:
    """Pickled as an array, unpickled as a tensor.

    MMAction2's tools expect tensors. Pickled by torch, each would hold a
    nested pickle with the scores of its whole batch.
    """

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __reduce__(self) -> tuple:
        return torch.utils.dlpack.from_dlpack, (self.array,)


def write_scores(
    rows: Iterable[dict[str, Any]],
    path: str | Path,
    class_counts: ClassCounts | None = None,
    words: Mapping[str, str] | None = None,
) -> None:
    """Write scores as MMEngine's ``DumpResults`` does, at once or not at all.

    Args:
        rows: For each sample ``pred_score`` ``(K,)``, ``gt_label`` ``(1,)``
            int64, and, where they are known, its name ``frame_dir`` and
            ``pred_logit`` ``(K,)``.
        path: The pickle to write; missing folders are made.
        class_counts: ``(K,)`` training samples, if known; every sample gets
            the same array, which the file holds once.
        words: What was tested, see :mod:`mmshapmix.identity`; likewise.
    """
    shared: dict[str, Any] = dict(words=dict(words)) if words else {}
    if class_counts is not None:
        shared['class_counts'] = class_counts
    save_pickle(
        [
            {
                key: value if isinstance(value, str | int) else _Tensor(value)
                for key, value in row.items()
            }
            | shared
            for row in rows
        ],
        path,
    )


@METRICS.register_module()
class DumpScores(DumpResults):
    """Writes scores, labels, names and training class counts of all samples.

    The file is a list of a dict for each sample: ``pred_score`` ``(K,)``
    float, ``gt_label`` ``(1,)`` int64, ``frame_dir`` and ``pred_logit``
    ``(K,)`` float (absent if the samples do not have them; logits are from
    ``KeepLogitsHook``), ``class_counts`` ``(K,)`` int64, and ``words``,
    method, data, stream and so on (absent if unknown).
    ``tools/analysis/fuse_streams.py`` and MMAction2's tools read it.

    Args:
        out_file_path: Where to; ends with ``.pkl`` or ``.pickle``.
        collect_device: As in ``BaseMetric``.
        collect_dir: As in ``BaseMetric``.
    """

    default_prefix = 'dump'  # MMEngine warns where there is none

    class_counts: ClassCounts | None = None
    words: Mapping[str, str] | None = None

    def set_words(self, words: Mapping[str, str]) -> None:
        """Take what is tested, see :mod:`mmshapmix.identity`."""
        self.words = words

    def set_class_counts(self, class_counts: Any) -> None:
        """Take the training samples per class, ``(K,)``."""
        self.class_counts = np.asarray(class_counts)

    def process(self, data_batch: Any, predictions: Sequence[dict]) -> None:
        """Keep each sample's scores, label, name and logits."""
        for sample in predictions:
            self.results.append(
                {
                    key: plain(sample[key])
                    for key in (*KEYS, LOGITS)
                    if sample.get(key) is not None
                }
            )

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict:
        """Write the file; there is no metric."""
        write_scores(
            results, self.out_file_path, self.class_counts, self.words
        )
        print_log(
            f'Scores of {len(results)} samples: {self.out_file_path}',
            logger='current',
        )
        return {}
