"""Accuracy by class and by shot group, from predictions."""

from collections.abc import Sequence

import numpy as np

from .longtail import SHOT_THRESHOLDS, ClassCounts, shot_groups


def top_classes(scores: np.ndarray, k: int) -> np.ndarray:
    """The ``k`` classes with the highest scores, best first.

    Args:
        scores: ``(N, K)``.
        k: At most K are returned.

    Returns:
        ``(N, min(k, K))`` int64.

    Raises:
        ValueError: For scores that are not finite: they cannot be ranked, and
            an arbitrary class would pass for the prediction.
    """
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores).all(1)).sum())
        raise ValueError(
            f'Expected finite scores, but got NaN or infinite '
            f'ones in {bad} of {len(scores)} samples. Training '
            'has probably diverged.'
        )
    return np.argsort(-scores, axis=1, kind='stable')[:, :k]


def top_k_accuracy(ranked: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of samples whose label is among the ``k`` best classes.

    Args:
        ranked: ``(N, >=k)`` classes, best first, from :func:`top_classes`.
        labels: ``(N,)``.
        k: Number of best classes that count as predictions.

    Examples:
        >>> top_k_accuracy(np.array([[0, 1], [2, 1]]), np.array([1, 2]), 1)
        0.5
    """
    return float((ranked[:, :k] == np.asarray(labels)[:, None]).any(1).mean())


def class_accuracy(
    predictions: np.ndarray, labels: np.ndarray, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count the correct samples and all samples of each class.

    Args:
        predictions: ``(N,)`` predicted classes.
        labels: ``(N,)`` true classes.
        num_classes: K.

    Returns:
        ``(K,)`` correct samples and ``(K,)`` all samples, int64. Their
        quotient is the recall of a class; it is undefined for a class without
        samples.
    """
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    total = np.bincount(labels, minlength=num_classes)
    correct = np.bincount(labels[predictions == labels], minlength=num_classes)
    return correct, total


def mean_class_accuracy(
    correct: np.ndarray, total: np.ndarray, classes: np.ndarray | None = None
) -> float | None:
    """Mean recall of the given classes that have test samples.

    Args:
        correct: ``(K,)`` correct test samples.
        total: ``(K,)`` test samples.
        classes: ``(K,)`` boolean mask; ``None``: all classes.

    Returns:
        The mean, or ``None`` if none of the classes has a test sample.
    """
    tested = total > 0 if classes is None else classes & (total > 0)
    if not tested.any():
        return None
    return float((correct[tested] / total[tested]).mean())


def shot_accuracy(
    correct: np.ndarray,
    total: np.ndarray,
    class_counts: ClassCounts | Sequence[int],
    thresholds: tuple[int, int] = SHOT_THRESHOLDS,
) -> dict[str, tuple[float, int]]:
    """Mean class accuracy of the many-, medium- and few-shot classes.

    Args:
        correct: ``(K,)`` correct test samples.
        total: ``(K,)`` test samples.
        class_counts: ``(K,)`` *training* samples.
        thresholds: Bounds of the groups, see :func:`~.longtail.shot_groups`.

    Returns:
        ``(accuracy, number of tested classes)`` of each group that has a
        tested class. A group without one is left out, not reported as 0.

    Examples:
        >>> shot_accuracy(np.array([3, 1]), np.array([4, 2]), [600, 6])
        {'many': (0.75, 1), 'few': (0.5, 1)}
    """
    result = {}
    for name, classes in shot_groups(
        np.asarray(class_counts), thresholds
    ).items():
        accuracy = mean_class_accuracy(correct, total, classes)
        if accuracy is not None:
            result[name] = (accuracy, int((classes & (total > 0)).sum()))
    return result
