"""Conversion of PYSKL's scores to the form that ``fuse_streams.py`` reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ..datasets.annotations import (
    Annotation,
    annotations_of,
    load_pickle,
    sample_name,
)
from ..datasets.samples import tidy_label
from ..evaluation.dump_scores import KEYS, LOGITS
from ..io.unpickling import load_plain


class Results(NamedTuple):
    """PYSKL's predictions for N samples.

    Attributes:
        scores: ``(N, K)`` float64.
        logits: ``(N, K)`` float64, means over the clips of a sample; None if
            they are not known.
    """

    scores: np.ndarray
    logits: np.ndarray | None = None


def read_results(path: str | Path) -> Results:
    """Read the scores that PYSKL's ``tools/test.py --out`` wrote.

    The file is a list with an array for each sample: the scores ``(K,)`` of
    the sample, or, where ``average_clips`` was off, the logits ``(clips, K)``
    of its clips. The probabilities of the clips are averaged, as PYSKL does by
    default.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no such list, has numbers that are not
            finite, or has not the same classes for all samples; or as
            :func:`~mmshapmix.io.unpickling.load_plain` says.
    """
    rows = load_plain(path, "PYSKL's scores")
    if not (isinstance(rows, list) and rows and all(map(_is_scored, rows))):
        raise ValueError(
            'Expected a list of score arrays, (K,) or (clips, K), as '
            f"PYSKL's tools/test.py --out writes it, but {path} is none. What "
            "MMAction2's --dump writes needs no conversion."
        )
    classes = sorted({row.shape[-1] for row in rows})
    if len(classes) > 1:
        raise ValueError(
            f'Expected scores of the same classes for all samples of {path}, '
            f'but got {classes} classes.'
        )
    scores = np.stack([_averaged(row) for row in rows])
    bad = int((~np.isfinite(scores)).any(1).sum())
    if bad:
        raise ValueError(
            f'Expected finite scores, but {bad} of {len(scores)} samples of '
            f'{path} have NaN or infinite ones. Test the model again.'
        )
    logits = None
    if all(row.ndim == 2 for row in rows):
        logits = np.stack([row.mean(0, dtype=np.float64) for row in rows])
    return Results(scores, logits)


def _is_scored(row: Any) -> bool:
    """Tell if a row has the scores of a sample, or those of its clips."""
    return (
        isinstance(row, np.ndarray)
        and row.ndim in (1, 2)
        and row.size > 0
        and np.issubdtype(row.dtype, np.floating)
    )


def _averaged(row: np.ndarray) -> np.ndarray:
    """Scores ``(K,)`` of a sample, from its scores or its clips' logits."""
    scores = row.astype(np.float64)
    if scores.ndim == 1:
        return scores
    return torch.softmax(torch.from_numpy(scores), 1).mean(0).numpy()


def split_samples(
    ann_file: str | Path, split: str | None = None
) -> list[Annotation]:
    """The samples of a split, in the order in which PYSKL tests them.

    That is the order of the annotations, not that of the split.

    Args:
        ann_file: Annotation pickle.
        split: Name of the split; None if the file has no splits.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no such split, or the file is not as
            :func:`~mmshapmix.datasets.annotations.annotations_of` says.
    """
    data = load_pickle(ann_file)
    if split is None and isinstance(data, dict) and data.get('split'):
        raise ValueError(
            f'Expected the split of {ann_file} that was tested, but got none. '
            f'Choose one of {sorted(data["split"])}.'
        )
    names = {sample_name(a) for a in annotations_of(data, split, ann_file)}
    every = annotations_of(data, None, ann_file)
    return [sample for sample in every if sample_name(sample) in names]


def dump_of(
    results: Results, samples: Sequence[Annotation], source: str | Path
) -> list[dict[str, Any]]:
    """Join scores with the labels and names of their samples.

    Args:
        results: Scores of N samples.
        samples: The N samples, in the same order.
        source: The annotation file, for errors.

    Returns:
        Rows for :func:`~mmshapmix.evaluation.dump_scores.write_scores`.

    Raises:
        ValueError: If the number of samples differs from that of the scores,
            or a label is of none of K classes.
    """
    scores, logits = results
    if len(scores) != len(samples):
        raise ValueError(
            f'Expected scores of {len(samples)} samples, as the split of '
            f'{source} has, but got {len(scores)}. Choose the split that was '
            "tested. PYSKL's `valid_ratio` and `box_thr` leave samples out: "
            'test again without them.'
        )
    for sample in samples:
        tidy_label(sample, scores.shape[1], str(source))
    columns = [
        scores,
        [np.array([sample['label']], np.int64) for sample in samples],
        map(sample_name, samples),
    ]
    keys = [*KEYS]
    if logits is not None:
        columns, keys = [*columns, logits], [*keys, LOGITS]
    rows = zip(*columns, strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]
