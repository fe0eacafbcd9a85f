"""Margins and scales of classes, from measured class counts."""

import math

import torch
from torch import Tensor

from .class_weights import positive_counts


def ldam_margins(class_counts: Tensor, max_margin: float = 0.5) -> Tensor:
    r"""Margins :math:`m_c \propto n_c^{-1/4}`, at most ``max_margin``.

    LDAM, Cao et al., arXiv 1906.07413.

    Args:
        class_counts: ``(K,)``.
        max_margin: Margin of the rarest class.

    Returns:
        ``(K,)``.

    Raises:
        ValueError: If a class has no sample.

    Examples:
        >>> ldam_margins(torch.tensor([16, 1])).tolist()
        [0.25, 0.5]
    """
    counts = positive_counts(class_counts)
    return max_margin * (counts.min() / counts) ** 0.25


def kps_scales(class_counts: Tensor, base: float = 50.0) -> Tensor:
    r"""Scales :math:`s_c = \log_K (K \, n_c / n_{min})`, at least 1.

    KPS, Li et al., 10.1109/TPAMI.2022.3196044.

    Args:
        class_counts: ``(K,)``.
        base: The paper's K, above 1.

    Raises:
        ValueError: If a class has no sample.

    Examples:
        >>> kps_scales(torch.tensor([50, 1])).tolist()
        [2.0, 1.0]
    """
    counts = positive_counts(class_counts)
    return 1 + (counts / counts.min()).log() / math.log(base)


def by_reversed_rank(values: Tensor) -> Tensor:
    """Give the class of rank r the value of the class of rank K - 1 - r.

    KPS's margins are its scales in reversed order. The authors reverse a list
    that is sorted by count. This function depends on the values alone: classes
    with equal values all get the mean of their reversed values.

    Args:
        values: ``(K,)``.

    Examples:
        >>> by_reversed_rank(torch.tensor([2.0, 1.0, 5.0])).tolist()
        [2.0, 5.0, 1.0]
        >>> by_reversed_rank(torch.tensor([3.0, 1.0, 3.0])).tolist()
        [2.0, 3.0, 2.0]
    """
    ordered, order = values.sort()
    turned = torch.empty_like(values)
    turned[order] = ordered.flip(0)
    _, group, sizes = values.unique(return_inverse=True, return_counts=True)
    sums = turned.new_zeros(len(sizes)).index_add(0, group, turned)
    return (sums / sizes)[group]
