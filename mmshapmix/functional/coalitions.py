"""Coalitions of body parts: the players of the Shapley value.

A coalition is a boolean row ``(P,)`` that says which parts are present. All
coalitions are numbered in binary: part p is bit p of the number.
"""

import itertools
import math
from collections.abc import Iterable

import torch
from torch import Tensor

Coalitions = Tensor
"""``(..., P)`` bool, whether each part is present."""


def all_coalitions(num_parts: int) -> Coalitions:
    """All coalitions, ``(2^P, P)`` bool; row i has the parts set in i's bits.

    Examples:
        >>> all_coalitions(2).int().tolist()
        [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    return decode_coalitions(torch.arange(2**num_parts), num_parts)


def decode_coalitions(index: Tensor, num_parts: int) -> Coalitions:
    """Rows of :func:`all_coalitions`, ``(..., P)`` bool.

    Args:
        index: ``(...)`` int64, row numbers.
        num_parts: P.
    """
    bits = torch.arange(num_parts, device=index.device)
    return (index[..., None] >> bits) % 2 == 1


def coalition_index(coalitions: Coalitions) -> Tensor:
    """Row number of each coalition in :func:`all_coalitions`, ``(...)`` int64.

    The complement of coalition i is ``2^P - 1 - i``.
    """
    bits = torch.arange(coalitions.shape[-1], device=coalitions.device)
    return (coalitions.long() << bits).sum(-1)


def coalitions_of_sizes(num_parts: int, sizes: Iterable[int]) -> Coalitions:
    """Coalitions of the given sizes, each size in lexicographic order.

    Args:
        num_parts: P.
        sizes: Numbers of parts, from 1 to P.

    Returns:
        ``(S, P)`` bool. For P = 5 and sizes 2 and 3 these are the 20
        combinations of Shap-Mix; the complement of row i is row 19 - i.

    Raises:
        ValueError: For no size, or a size out of range.

    Examples:
        >>> coalitions_of_sizes(3, (1, 2)).int().tolist()
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]
    """
    sizes = tuple(sizes)
    if not sizes or not all(1 <= size <= num_parts for size in sizes):
        raise ValueError(
            f'Expected numbers of parts from 1 to {num_parts}, '
            f'but got {sizes}.'
        )
    members = [
        combination
        for size in sizes
        for combination in itertools.combinations(range(num_parts), size)
    ]
    rows = torch.zeros(len(members), num_parts, dtype=torch.bool)
    for row, parts in zip(rows, members, strict=True):
        row[list(parts)] = True
    return rows


def binomial(n: Tensor, k: Tensor) -> Tensor:
    """Binomial coefficients of small integers, float64, elementwise."""
    largest = int(n.max())
    table = torch.tensor(
        [
            [math.comb(i, j) for j in range(largest + 1)]
            for i in range(largest + 1)
        ],
        dtype=torch.float64,
    )
    return table[n, k]
