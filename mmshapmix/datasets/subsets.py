"""Long-tailed subsets of a data set."""

import warnings
from collections.abc import Sequence

import numpy as np

from ..functional.longtail import (
    count_classes,
    long_tail_counts,
    select_long_tail,
)


def long_tail_subset(
    labels: np.ndarray,
    num_classes: int,
    source: str,
    max_per_class: int,
    imbalance_ratio: float,
    profile: str = 'exp',
    seed: int = 0,
    class_order: Sequence[int] | None = None,
) -> np.ndarray:
    """Choose the samples of a long-tailed subset.

    The same arguments choose the same samples on every machine.

    Args:
        labels: ``(N,)`` labels in file order.
        num_classes: K.
        source: The file and split, for messages.
        max_per_class: Samples of the head class.
        imbalance_ratio: Samples of the head class over the tail class.
        profile: ``'exp'`` or ``'step'``.
        seed: Seed of the choice.
        class_order: Classes from the most to the least frequent; ``None``:
            by index, as in BRL's lists.

    Returns:
        Indices into ``labels``, int64.

    Raises:
        ValueError: If ``class_order`` is no permutation or a class is empty.
    """
    order = (
        np.arange(num_classes)
        if class_order is None
        else np.asarray(class_order)
    )
    if sorted(order.tolist()) != list(range(num_classes)):
        raise ValueError(
            'Expected `class_order` to name each of the classes '
            f'0..{num_classes - 1} once, but got {class_order}.'
        )
    wanted = np.empty(num_classes, dtype=np.int64)
    wanted[order] = long_tail_counts(
        num_classes, max_per_class, imbalance_ratio, profile
    )
    there = count_classes(labels, num_classes)
    if not there.all():
        raise ValueError(
            f'Expected samples of all {num_classes} classes in {source}, but '
            f'classes {np.flatnonzero(there == 0).tolist()} have none.'
        )
    for k in np.flatnonzero(there < wanted):
        warnings.warn(
            f'The profile asks for {wanted[k]} samples of class {k}, but '
            f'{source} has {there[k]}: all of them are used.',
            stacklevel=2,
        )
    return select_long_tail(labels, wanted, seed)
