"""Dumped scores: safe reading, checks and alignment.

Reading runs no code that a pickle may contain.
"""

import io
import math
import operator
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.dump_scores import KEYS, LOGITS, write_scores
from ..functional.longtail import ClassCounts
from ..identity import check_dumps, known_words
from ..interop.checkpoints import class_counts_of
from ..io.unpickling import PLAIN_NAMES, PlainUnpickler, brief, load_plain
from .checkpoints import read_checkpoint

# Numpy dtypes of torch's storages. A bfloat16, which numpy lacks, is read as
# an integer of the same size.
STORAGES = dict(
    FloatStorage='f4',
    DoubleStorage='f8',
    HalfStorage='f2',
    BFloat16Storage='u2',
    LongStorage='i8',
    IntStorage='i4',
    ShortStorage='i2',
    CharStorage='i1',
    ByteStorage='u1',
    BoolStorage='?',
)


class _StorageUnpickler(PlainUnpickler):
    """Unpickler of torch's description of a storage."""

    def persistent_load(self, pid: tuple) -> tuple:
        """Return the description: kind, type, key, device and size."""
        return pid


def _storage(content: bytes) -> np.ndarray:
    """Replacement of torch's loader of storages, which would load anything.

    Args:
        content: Five pickles (a magic number, a version, the system, the
            description of the storage, its key), then the number of values,
            and the values.
    """
    file = io.BytesIO(bytes(content))
    names = {f'torch.{name}': name for name in STORAGES}
    parts = [
        _StorageUnpickler(file, 'storages', names).load() for _ in range(5)
    ]
    name, size = parts[3][1], parts[3][4]
    start = file.tell() + 8  # after the number of values, 64 bits
    order = '<' if parts[2]['little_endian'] else '>'
    dtype = np.dtype(f'{order}{STORAGES[name]}')
    values = np.frombuffer(file.getvalue(), dtype, size, start)
    if name == 'BFloat16Storage':  # the upper 16 bits of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def _tensor(
    storage: np.ndarray, offset: int, size: tuple, stride: tuple, *_: Any
) -> np.ndarray:
    """Replacement of torch's function that makes a tensor from a storage.

    Raises:
        ValueError: If the tensor exceeds the storage.
    """
    whole = offset, *size, *stride
    if not all(type(n) is int and n >= 0 for n in whole) or len(size) != len(
        stride
    ):
        raise ValueError('Expected sizes of a tensor, but got others.')
    steps = ((n - 1) * step for n, step in zip(size, stride, strict=True))
    count = math.prod(size)
    if count > len(storage) or (count and offset + sum(steps) >= len(storage)):
        raise ValueError(
            f'Expected tensors within their storage, but one of size {size} '
            f'is beyond its {len(storage)} values.'
        )
    strides = [step * storage.itemsize for step in stride]
    values = storage[offset:]
    return np.lib.stride_tricks.as_strided(values, size, strides).copy()


# Tensors pickled by torch or by DumpScores become arrays.
SCORE_NAMES: dict[str, Any] = PLAIN_NAMES | {
    'torch.storage._load_from_bytes': _storage,
    'torch._utils._rebuild_tensor_v2': _tensor,
    'torch.utils.dlpack.from_dlpack': np.asarray,
}


@dataclass(frozen=True)
class Scores:
    """The scores of one model, or of a fusion, on one split.

    Attributes:
        source: Origin of the scores, for errors.
        names: Names of the N samples, all different.
        scores: ``(N, K)`` float64, finite.
        labels: ``(N,)`` int64 in 0..K-1.
        class_counts: ``(K,)`` training samples, if known.
        logits: ``(N, K)`` float64, means over the clips, if known.
        words: Words of the model, see :mod:`mmshapmix.identity`, if known.
    """

    source: str
    names: tuple[str | int, ...]
    scores: np.ndarray
    labels: np.ndarray
    class_counts: ClassCounts | None = None
    logits: np.ndarray | None = None
    words: Mapping[str, str] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write the scores in the format of ``tools/test.py --dump``."""
        columns = [self.scores, self.labels[:, None], self.names]
        keys = [*KEYS]
        if self.logits is not None:
            columns, keys = [*columns, self.logits], [*keys, LOGITS]
        rows = zip(*columns, strict=True)
        write_scores(
            (dict(zip(keys, row, strict=True)) for row in rows),
            path,
            self.class_counts,
            self.words,
        )


def read_scores(path: str | Path) -> Scores:
    """Read a file that ``tools/test.py --dump``, ours or MMAction2's, wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has not one label and K finite scores for each
            sample, if samples lack a name or share one, or if the file
            contains anything but tensors, arrays and plain containers.
    """
    rows = load_plain(path, 'dumped scores', SCORE_NAMES)
    _check_rows(rows, path)
    try:
        scores = np.stack([row['pred_score'] for row in rows]).astype(float)
        labels = [operator.index(np.squeeze(r['gt_label'])[()]) for r in rows]
        counts = rows[0].get('class_counts')
        counts = None if counts is None else np.asarray(counts, np.int64)
        logits = _logits_of(rows, scores)
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        raise ValueError(
            f'Expected scores of the same classes for all samples of {path}, '
            f'and a label for each, but got others: {brief(error)}.'
        ) from error
    result = Scores(
        str(path),
        tuple(row['frame_dir'] for row in rows),
        scores,
        np.array(labels),
        counts,
        logits,
        known_words(rows[0].get('words')),
    )
    _check_scores(result)
    return result


def _logits_of(
    rows: list[dict[str, Any]], scores: np.ndarray
) -> np.ndarray | None:
    """Logits of all samples, or ``None`` if no sample has any.

    Scores that are no probabilities count as logits.
    """
    having = sum(LOGITS in row for row in rows)
    if not having:
        return scores if is_raw(scores) else None
    if having < len(rows):
        raise ValueError(f'only {having} of {len(rows)} have `{LOGITS}`')
    return np.stack([row[LOGITS] for row in rows]).astype(float)


def is_raw(scores: np.ndarray) -> bool:
    """Return whether scores are logits: some are negative."""
    return bool((scores < 0).any())


def _check_rows(rows: Any, path: str | Path) -> None:
    """Check that a dump is a list of samples with distinct names."""
    dumped = isinstance(rows, list) and all(isinstance(r, dict) for r in rows)
    if not (dumped and rows and all({*KEYS[:2]} <= r.keys() for r in rows)):
        raise ValueError(
            'Expected a list of samples with `pred_score` and `gt_label`, but '
            f'{path} is none. tools/test.py --dump writes such files.'
        )
    unnamed = sum(
        not isinstance(row.get('frame_dir'), str | int) for row in rows
    )
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


def _some(names: Collection[str | int]) -> str:
    """Number of names, and the first few of them, for a message."""
    shown = ', '.join(map(repr, sorted(names, key=str)[:3]))
    return f'{len(names)} ({shown}{", …" * (len(names) > 3)})'


def _check_scores(found: Scores) -> None:
    """Check that scores, labels and counts fit each other."""
    scores, labels, path = found.scores, found.labels, found.source
    if scores.ndim != 2 or len(labels) != len(scores):
        raise ValueError(
            f'Expected one label and one row of scores for each sample of '
            f'{path}, but got labels {labels.shape} and scores {scores.shape}.'
        )
    logits = scores if found.logits is None else found.logits
    if logits.shape != scores.shape:
        raise ValueError(
            f'Expected logits and scores of the same classes in {path}, but '
            f'got shapes {logits.shape} and {scores.shape}.'
        )
    bad = int((~(np.isfinite(scores) & np.isfinite(logits)).all(1)).sum())
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
    """Return the training class counts, if all sources agree on them.

    Args:
        sources: ``(K,)`` counts by source, ``None`` where unknown.
        num_classes: K.

    Returns:
        ``(K,)``, or ``None`` if no source has counts.

    Raises:
        ValueError: If the counts differ, or do not have K classes.
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
    """Bring all streams to the same order of samples and class counts.

    Args:
        streams: Scores by stream; at least one.
        counts: Further sources of class counts, by name.

    Returns:
        The streams, with samples in the order of the first stream.

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
    """Check that probabilities are not mixed with scores of other scales."""
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
    """Sort the second stream's samples in the order of the first."""
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
        found,
        names=first.names,
        scores=found.scores[order],
        labels=labels,
        logits=None if found.logits is None else found.logits[order],
    )


def read_streams(
    paths: Mapping[str, str | Path],
    checkpoint: str | Path | None = None,
    any_scores: bool = False,
) -> dict[str, Scores]:
    """Read and align the dumps of several streams.

    Args:
        paths: Files by stream.
        checkpoint: Checkpoint with class counts, for dumps without them.
        any_scores: Whether to accept several dumps of the same stream, or of
            different data sets.

    Raises:
        ValueError: See :func:`read_scores`, :func:`aligned` and
            :func:`~mmshapmix.identity.check_dumps`; also if the checkpoint has
            no class counts.
    """
    streams = {stream: read_scores(path) for stream, path in paths.items()}
    if not any_scores:
        check_dumps({k: (s.source, s.words) for k, s in streams.items()})
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
