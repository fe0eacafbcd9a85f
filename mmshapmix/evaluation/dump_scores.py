"""A file of the scores of all samples, for fusion and MMAction2's reports."""

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
"""Keys of a sample that are kept; ``frame_dir`` is its name."""

LOGITS = 'pred_logit'
"""Another key that is kept, if ``KeepLogitsHook`` has set it."""


def plain(value: Any) -> Any:
    """Copy a tensor, which may be part of a batch, to an array."""
    if not isinstance(value, torch.Tensor):
        return value
    if value.dtype == torch.bfloat16:  # numpy has no bfloat16
        value = value.float()
    return value.cpu().numpy().copy()


class _Tensor:
    """An array that is unpickled as a tensor.

    MMAction2's tools expect tensors. A tensor pickled by torch would contain a
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
    """Write scores in the format of MMEngine's ``DumpResults``, atomically.

    Args:
        rows: For each sample a dict with ``pred_score`` ``(K,)``,
            ``gt_label`` ``(1,)`` int64, and, if known, its name ``frame_dir``
            and ``pred_logit`` ``(K,)``.
        path: The pickle to write; missing folders are made.
        class_counts: ``(K,)`` training samples, if known; every sample refers
            to the same array, which the file contains once.
        words: Words of the tested model, see :mod:`mmshapmix.identity`; also
            contained once.
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

    The file is a list with a dict for each sample: ``pred_score`` ``(K,)``
    float, ``gt_label`` ``(1,)`` int64, ``frame_dir`` and ``pred_logit``
    ``(K,)`` float (absent if the samples do not have them; logits are from
    ``KeepLogitsHook``), ``class_counts`` ``(K,)`` int64, and ``words``, such
    as method, data and stream (both absent if unknown).
    ``tools/analysis/fuse_streams.py`` and MMAction2's tools read the file.

    Args:
        out_file_path: Path of the file; ends with ``.pkl`` or ``.pickle``.
        collect_device: See ``BaseMetric``.
        collect_dir: See ``BaseMetric``.
    """

    default_prefix = 'dump'  # MMEngine warns of metrics without a prefix

    class_counts: ClassCounts | None = None
    words: Mapping[str, str] | None = None

    def set_words(self, words: Mapping[str, str]) -> None:
        """Take the tested model's words, see :mod:`mmshapmix.identity`."""
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
        """Write the file, and return no metric."""
        write_scores(
            results, self.out_file_path, self.class_counts, self.words
        )
        print_log(
            f'Scores of {len(results)} samples: {self.out_file_path}',
            logger='current',
        )
        return {}
