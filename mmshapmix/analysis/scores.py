"""Dumped scores: read without running what a pickle may carry, checked."""

import io
import operator
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..evaluation.dump_scores import KEYS, plain, write_scores
from ..functional.longtail import ClassCounts
from ..interop.checkpoints import class_counts_of
from ..unpickling import PLAIN_NAMES, load_plain
from .checkpoints import read_checkpoint


def _storage(content: bytes) -> Any:
    """Stand in for torch's loader of storages, which would load anything."""
    return torch.load(io.BytesIO(content), weights_only=True)


def _tensor(
    storage: Any, offset: int, size: tuple, stride: tuple, *_: Any
) -> np.ndarray:
    """Stand in for the function that makes tensors of storages."""
    return plain(torch._utils._rebuild_tensor(storage, offset, size, stride))


# Tensors, as torch and as DumpScores pickle them, come as arrays.
SCORE_NAMES: dict[str, Any] = PLAIN_NAMES | {
    'torch.storage._load_from_bytes': _storage,
    'torch._utils._rebuild_tensor_v2': _tensor,
    'torch.utils.dlpack.from_dlpack': np.asarray,
}


@dataclass(frozen=True)
class Scores:
    """The scores of one model, or of a fusion, on one split.

    Attributes:
        source: Where they come from, for errors.
        names: N names of samples, all different.
        scores: ``(N, K)`` float64, finite.
        labels: ``(N,)`` int64 in 0..K-1.
        class_counts: ``(K,)`` training samples, if known.
    """

    source: str
    names: tuple[str, ...]
    scores: np.ndarray
    labels: np.ndarray
    class_counts: ClassCounts | None = None

    def save(self, path: str | Path) -> None:
        """Write them as ``tools/test.py --dump`` does."""
        rows = zip(self.scores, self.labels[:, None], self.names, strict=True)
        write_scores(
            (dict(zip(KEYS, row, strict=True)) for row in rows),
            path,
            self.class_counts,
        )


def read_scores(path: str | Path) -> Scores:
    """Read what ``tools/test.py --dump``, ours or MMAction2's, wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no dump of one label and K finite scores for each
            of its samples, if samples have no name of their own, or if it
            asks for anything but tensors, arrays and plain containers.
    """
    rows = load_plain(path, 'dumped scores', SCORE_NAMES)
    _check_rows(rows, path)
    try:
        scores = np.stack([row['pred_score'] for row in rows]).astype(float)
        labels = [operator.index(np.squeeze(r['gt_label'])[()]) for r in rows]
        counts = rows[0].get('class_counts')
        counts = None if counts is None else np.asarray(counts, np.int64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'Expected scores of the same classes for all samples of {path}, '
            f'and a label for each, but got others: {error}.'
        ) from error
    result = Scores(
        str(path),
        tuple(row['frame_dir'] for row in rows),
        scores,
        np.array(labels),
        counts,
    )
    _check_scores(result)
    return result


def _check_rows(rows: Any, path: str | Path) -> None:
    """Refuse what is no list of samples with distinct names."""
    dumped = isinstance(rows, list) and all(isinstance(r, dict) for r in rows)
    if not (dumped and rows and all({*KEYS[:2]} <= r.keys() for r in rows)):
        raise ValueError(
            'Expected a list of samples with `pred_score` and `gt_label`, but '
            f'{path} is none. tools/test.py --dump writes such files.'
        )
    unnamed = sum(not isinstance(row.get('frame_dir'), str) for row in rows)
    if unnamed:
        raise ValueError(
            f'Expected `frame_dir` in all samples of {path}, but {unnamed} of '
            f"{len(rows)} have none. Add 'frame_dir' to the `meta_keys` of "
            '`PackActionInputs` in the test pipeline and test again.'
        )
    found = Counter(row['frame_dir'] for row in rows)
    doubled = [name for name, count in found.items() if count > 1]
    if doubled:
        raise ValueError(
            f'Expected distinct samples in {path}, but {_some(doubled)} come '
            'several times.'
        )


def _some(names: Collection[str]) -> str:
    """How many names, and the first of them."""
    shown = ', '.join(map(repr, sorted(names)[:3]))
    return f'{len(names)} ({shown}{", …" * (len(names) > 3)})'


def _check_scores(found: Scores) -> None:
    """Refuse scores, labels and counts that do not belong together."""
    scores, labels, path = found.scores, found.labels, found.source
    if scores.ndim != 2 or len(labels) != len(scores):
        raise ValueError(
            f'Expected one label and one row of scores for each sample of '
            f'{path}, but got labels {labels.shape} and scores {scores.shape}.'
        )
    bad = int((~np.isfinite(scores).all(1)).sum())
    if bad:
        raise ValueError(
            f'Expected finite scores, but {bad} of {len(scores)} samples of '
            f'{path} have NaN or infinite ones.'
        )
    if not 0 <= labels.min() <= labels.max() < scores.shape[1]:
        raise ValueError(
            f'Expected labels in 0..{scores.shape[1] - 1}, as {path} has '
            f'scores, but got {labels.min()} to {labels.max()}.'
        )
    check_counts({path: found.class_counts}, scores.shape[1])


def check_counts(
    sources: Mapping[str, ClassCounts | None], num_classes: int
) -> ClassCounts | None:
    """Training class counts that all agree on who know them.

    Args:
        sources: Where from, to ``(K,)`` counts, if known there.
        num_classes: K.

    Returns:
        ``(K,)``, or none if nobody knows them.

    Raises:
        ValueError: If they differ, or are of other than K classes.
    """
    known = {k: v for k, v in sources.items() if v is not None}
    for source, counts in known.items():
        first, expected = next(iter(known.items()))
        if np.shape(counts) != (num_classes,):
            raise ValueError(
                f'Expected training counts of {num_classes} classes, as there '
                f'are scores, but {source} has {np.shape(counts)}.'
            )
        if not np.array_equal(counts, expected):
            raise ValueError(
                'Expected streams that were trained on the same class counts, '
                f'but those of {first} and {source} differ.'
            )
    return next(iter(known.values()), None)


def aligned(
    streams: Mapping[str, Scores], counts: Mapping[str, ClassCounts]
) -> dict[str, Scores]:
    """The same samples in the same order, and class counts, for all streams.

    Args:
        streams: Stream to its scores; at least one.
        counts: More sources of class counts, by name.

    Returns:
        The streams, in the order of the first one's samples.

    Raises:
        ValueError: If samples, labels, numbers of classes or class counts of
            the streams differ.
    """
    first = next(iter(streams.values()))
    ordered = {
        stream: _ordered_like(first, found)
        for stream, found in streams.items()
    }
    _check_scales(streams)
    agreed = check_counts(
        {found.source: found.class_counts for found in streams.values()}
        | dict(counts),
        first.scores.shape[1],
    )
    return {
        stream: replace(found, class_counts=agreed)
        for stream, found in ordered.items()
    }


def _check_scales(streams: Mapping[str, Scores]) -> None:
    """Refuse to fuse probabilities with scores of another scale."""
    probabilities = [
        stream
        for stream, found in streams.items()
        if np.allclose(found.scores.sum(1), 1, atol=1e-2)
    ]
    if 0 < len(probabilities) < len(streams):
        raise ValueError(
            'Expected probabilities from all streams or from none, but only '
            f'those of {probabilities} sum to 1. Test all of them alike: '
            "model.cls_head.average_clips='prob'."
        )


def _ordered_like(first: Scores, found: Scores) -> Scores:
    """The second one's samples in the order of the first."""
    for one, other in ((first, found), (found, first)):
        missing = {*one.names} - {*other.names}
        if missing:
            raise ValueError(
                f'Expected the same samples in all streams, but of '
                f'{one.source} {_some(missing)} are not in {other.source}.'
            )
    sizes = first.scores.shape[1], found.scores.shape[1]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f'Expected scores of the same classes in all streams, but '
            f'{first.source} has {sizes[0]} classes, {found.source} '
            f'{sizes[1]}.'
        )
    place = {name: i for i, name in enumerate(found.names)}
    order = [place[name] for name in first.names]
    labels = found.labels[order]
    other = np.array(first.names)[labels != first.labels].tolist()
    if other:
        raise ValueError(
            f'Expected the same labels in all streams, but {_some(other)} '
            f'have others in {found.source} than in {first.source}.'
        )
    return replace(
        found, names=first.names, scores=found.scores[order], labels=labels
    )


def read_streams(
    paths: Mapping[str, str | Path], checkpoint: str | Path | None = None
) -> dict[str, Scores]:
    """Read and align the dumps of several streams.

    Args:
        paths: Stream to its file.
        checkpoint: May know the class counts where the dumps do not.

    Raises:
        ValueError: As :func:`read_scores` and :func:`aligned`, or if the
            checkpoint does not know the class counts.
    """
    streams = {stream: read_scores(path) for stream, path in paths.items()}
    return aligned(streams, _counts_of(checkpoint) if checkpoint else {})


def _counts_of(checkpoint: str | Path) -> dict[str, ClassCounts]:
    meta = read_checkpoint(checkpoint)['meta']
    counts = class_counts_of(meta, None, checkpoint)
    if counts is None:
        raise ValueError(
            "Expected meta['class_counts'] in the checkpoint, but "
            f'{checkpoint} has none. Trainings with ClassCountsHook save it.'
        )
    return {str(checkpoint): np.asarray(counts)}
