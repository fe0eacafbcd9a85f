"""Fusion of streams: weighted sums of the scores of several models.

A stream is one modality: joint ``j``, bone ``b``, skip ``k``, and their
motions ``jm``, ``bm``, ``km``. Scores or logits from the dumps of
``tools/test.py`` are fused; scores are probabilities unless the test is
configured otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..functional.accuracy import (
    class_accuracy,
    mean_class_accuracy,
    shot_accuracy,
    top_classes,
    top_k_accuracy,
)
from ..functional.checks import check_choice
from ..functional.longtail import SHOT_GROUPS
from ..identity import recipes
from .scores import Scores, is_raw
from .tables import Row

Weights = dict[str, float]
"""Weight of each stream."""

SOURCES = ('scores', 'probabilities', 'logits')
"""Values to fuse: scores of any kind, only probabilities, or logits."""


class Fusion(NamedTuple):
    """A rule to fuse streams.

    Attributes:
        weights: Weight of each stream.
        of: Values to fuse, one of :data:`SOURCES`.
    """

    weights: Weights
    of: str = 'scores'

    def __str__(self) -> str:
        shown = ' '.join(f'{s} {w:.3g}' for s, w in self.weights.items())
        return shown + ' (logits)' * (self.of == 'logits')


# 2s, 4s, 6s and k400: released code of BRL (arXiv 2308.14024); shapmix:
# released code of Shap-Mix (arXiv 2407.12312).
PRESETS: dict[str, Fusion] = {
    '2s': Fusion(dict(j=1, b=1), 'probabilities'),
    '4s': Fusion(dict(j=2, b=2, jm=1, bm=1), 'probabilities'),
    '6s': Fusion(dict(j=2, b=2, k=2, jm=1, bm=1, km=1), 'probabilities'),
    'k400': Fusion(dict(j=3, b=3, jm=1, bm=1), 'probabilities'),
    'shapmix': Fusion(dict(j=0.6, b=0.6, jm=0.6, bm=0.3), 'logits'),
}
MAX_WEIGHT = 3
MAX_SEARCHED = 6
_CHUNK = 2**24  # fused scores that a search keeps in memory at once


def possible_presets(streams: Sequence[str]) -> list[str]:
    """List the presets whose streams are all available."""
    return [
        name
        for name, fusion in PRESETS.items()
        if {*fusion.weights} <= {*streams}
    ]


def preset_fusion(preset: str, streams: Sequence[str]) -> Fusion:
    """Return a preset, if its streams are available.

    Args:
        preset: One of :data:`PRESETS`.
        streams: Available streams, which may be more than needed.

    Raises:
        ValueError: For an unknown preset, or if a stream of it is missing.
    """
    check_choice('preset', preset, PRESETS)
    needed = [*PRESETS[preset].weights]
    missing = [name for name in needed if name not in streams]
    if missing:
        raise ValueError(
            f'Expected the streams {needed} for the preset '
            f'{preset!r}, but {missing} are not among {list(streams)}. Name '
            'the files as the streams, or give --weights.'
        )
    return PRESETS[preset]


def fuse(scores: np.ndarray, weights: Sequence[float]) -> np.ndarray:
    r"""Weighted mean of the streams' scores.

    .. math::
        \bar s = \sum_i w_i s_i \Big/ \sum_i w_i

    Args:
        scores: ``(S, N, K)``, scores of S streams.
        weights: ``(S,)``, none negative, not all 0.

    Returns:
        ``(N, K)``; its rows sum to 1 if those of all streams do.

    Raises:
        ValueError: For other weights.

    Example:
        >>> fuse(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), [3, 1])
        array([[0.75, 0.25]])
    """
    shares = np.asarray(weights, dtype=float)
    fine = np.isfinite(shares).all() and shares.min() >= 0 < shares.sum()
    if len(shares) != len(scores) or not fine:
        raise ValueError(
            f'Expected {len(scores)} weights, one for each stream, none '
            f'negative and not all 0, but got {shares.tolist()}.'
        )
    return np.tensordot(shares / shares.sum(), scores, 1)


def stack_streams(streams: Iterable[Scores], of: str) -> np.ndarray:
    """Stack the values to fuse, ``(S, N, K)``.

    Args:
        streams: S streams, aligned.
        of: Values to fuse, one of :data:`SOURCES`.

    Raises:
        ValueError: If a stream does not have these values, or for an unknown
            ``of``.
    """
    check_choice('of', of, SOURCES)
    stacked = []
    for found in streams:
        values = found.logits if of == 'logits' else found.scores
        if values is None:
            raise ValueError(
                f'Expected logits to fuse, but {found.source} has scores '
                'alone. tools/test.py --dump writes both: test again.'
            )
        if of == 'probabilities' and is_raw(found.scores):
            raise ValueError(
                f'Expected probabilities to fuse, but {found.source} has '
                'negative scores. Test with '
                "model.cls_head.average_clips='prob'."
            )
        stacked.append(values)
    return np.stack(stacked)


def fuse_streams(
    streams: Mapping[str, Scores], weights: Weights, of: str = 'scores'
) -> Scores:
    """Fuse aligned streams to scores of the same samples.

    Args:
        streams: See :func:`~.scores.aligned`.
        weights: Weights of some or all of the streams.
        of: Values to fuse, one of :data:`SOURCES`.

    Returns:
        The fused probabilities or logits, as scores.

    Raises:
        ValueError: For weights that :func:`fuse` refuses, or if a stream does
            not have the values to fuse.
    """
    chosen = [streams[name] for name in weights]
    fused = fuse(stack_streams(chosen, of), list(weights.values()))
    logits = fused if of == 'logits' else None
    return replace(
        chosen[0],
        source='the fusion',
        scores=fused,
        logits=logits,
        words=_words_of(chosen),
    )


def _words_of(streams: Sequence[Scores]) -> dict[str, str]:
    """Words of a fusion; words that differ between streams are joined."""
    keys = {key: None for found in streams for key in found.words}
    said = {k: [f.words[k] for f in streams if k in f.words] for k in keys}
    return {key: '+'.join(dict.fromkeys(all_)) for key, all_ in said.items()}


# --- weights from other data -------------------------------------------------


def weight_grid(num_streams: int) -> np.ndarray:
    """List all mixtures of integer weights from 0 to 3, each once.

    Equal weights and all presets are among them.

    Args:
        num_streams: S, 1 to 6.

    Returns:
        ``(W, S)`` int64; rows have no common factor. Sorted from the most even
        weights (the smallest sum of squares of the shares) to single streams.

    Raises:
        ValueError: For more streams, which have too many mixtures.
    """
    if not 1 <= num_streams <= MAX_SEARCHED:
        raise ValueError(
            f'Expected 1 to {MAX_SEARCHED} streams to search weights for, but '
            f'got {num_streams}.'
        )
    grid = np.indices((MAX_WEIGHT + 1,) * num_streams)
    grid = grid.reshape(num_streams, -1).T
    # 2:2 is the same mixture as 1:1.
    grid = grid[np.gcd.reduce(grid, axis=1) == 1]
    shares = grid / grid.sum(1, keepdims=True)
    unevenness = np.square(shares).sum(1).round(12)
    return grid[np.argsort(unevenness, kind='stable')]


def search_weights(
    streams: Mapping[str, Scores], of: str = 'scores'
) -> Weights:
    """Find the weights of :func:`weight_grid` with the best mean accuracy.

    The criterion is the mean class accuracy; of equally good weights, the most
    even ones are chosen. Results with these weights must not be reported on
    the samples of the search (:func:`check_disjoint`).

    Args:
        streams: 1 to 6 streams, aligned.
        of: Values to fuse, one of :data:`SOURCES`.
    """
    first = next(iter(streams.values()))
    stacked = stack_streams(streams.values(), of)
    grid = weight_grid(len(streams))
    shares = grid / grid.sum(1, keepdims=True)
    num_classes = stacked.shape[2]
    step = max(1, _CHUNK // (len(grid) * num_classes))
    correct = np.zeros((len(grid), num_classes))
    for start in range(0, len(first.labels), step):
        chunk = stacked[:, start : start + step]
        labels = first.labels[start : start + step]
        predicted = np.tensordot(shares, chunk, 1).argmax(2)
        one_hot = np.eye(num_classes)[labels]
        correct += (predicted == labels) @ one_hot
    total = np.bincount(first.labels, minlength=num_classes)
    tested = total > 0
    mean = (correct[:, tested] / total[tested]).mean(1)
    # Rounded, so that equally good weights tie; argmax takes the first.
    best = grid[mean.round(12).argmax()]
    return dict(zip(streams, best.tolist(), strict=True))


def check_disjoint(
    searched: Mapping[str, Scores], reported: Mapping[str, Scores]
) -> None:
    """Check that weights are not searched on the reported samples.

    Args:
        searched: Streams on the samples of the search.
        reported: The same streams on the reported samples.

    Raises:
        ValueError: If the streams differ, or if they share a sample.
    """
    if {*searched} != {*reported}:
        raise ValueError(
            f'Expected the streams {sorted(reported)} to search weights on, '
            f'but got {sorted(searched)}.'
        )
    first, other = (next(iter(s.values())) for s in (searched, reported))
    if first.scores.shape[1] != other.scores.shape[1]:
        raise ValueError(
            f'Expected scores of {other.scores.shape[1]} classes to search '
            f'weights on, but got {first.scores.shape[1]}.'
        )
    names = [{*found.names} for found in (first, other)]
    shared = sorted(names[0] & names[1])
    if shared:
        raise ValueError(
            'Expected other samples to search weights on than those that are '
            f'reported, but {len(shared)} are among both: {shared[:3]}. '
            'Dump the scores of another split, for example of one held out '
            'from training.'
        )


# --- tables ------------------------------------------------------------------


def accuracies(found: Scores) -> dict[str, float | None]:
    """Overall, mean-class, many-, medium- and few-shot accuracy in [0, 1].

    Without class counts the groups are absent; the accuracy of a group without
    a tested class is ``None``.
    """
    ranked = top_classes(found.scores, 1)
    num_classes = found.scores.shape[1]
    correct, total = class_accuracy(ranked[:, 0], found.labels, num_classes)
    result = {
        'overall': top_k_accuracy(ranked, found.labels, 1),
        'mean-class': mean_class_accuracy(correct, total),
    }
    if found.class_counts is not None:
        groups = shot_accuracy(correct, total, found.class_counts)
        result |= {name: groups.get(name, [None])[0] for name in SHOT_GROUPS}
    return result


def fusion_rows(
    streams: Mapping[str, Scores], fusions: Mapping[str, Fusion]
) -> list[Row]:
    """Make a table row for each stream and each fusion.

    Args:
        streams: Aligned streams, by name.
        fusions: Fusions, by name.
    """
    rows = [
        dict(scores=name, weights='', **accuracies(found))
        for name, found in streams.items()
    ]
    for name, fusion in fusions.items():
        found = accuracies(fuse_streams(streams, *fusion))
        rows.append(dict(scores=name, weights=str(fusion), **found))
    return _with_recipes(rows, streams, fusions)


def _with_recipes(
    rows: list[Row],
    streams: Mapping[str, Scores],
    fusions: Mapping[str, Fusion],
) -> list[Row]:
    """Add the recipes of the streams to the rows, if any is known."""
    names = [[name] for name in streams]
    names += [[*fusion.weights] for fusion in fusions.values()]
    found = [
        recipes(streams[one].words.get('recipe', '') for one in of)
        for of in names
    ]
    if not any(found):
        return rows
    return [
        dict(scores=row['scores'], recipe=recipe) | row
        for row, recipe in zip(rows, found, strict=True)
    ]
