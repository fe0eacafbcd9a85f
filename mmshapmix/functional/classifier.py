r"""Norms of a classifier's rows, for decoupled and balanced classifiers.

Plain training of a linear classifier :math:`W` ``(K, D)`` gives frequent
classes longer rows :math:`W_c`, and therefore larger logits.
"""

import torch
from torch import Tensor


def tau_normalize(weight: Tensor, tau: float = 1.0) -> Tensor:
    r"""Divide each row by a power of its norm, :math:`W_c / \|W_c\|^\tau`.

    The tau-normalised classifier of Kang et al., arXiv 1910.09217. A row of
    zeros stays unchanged.

    Args:
        weight: ``(K, D)``.
        tau: 0 leaves the rows as they are, 1 makes their norms equal.

    Returns:
        ``(K, D)``.

    Examples:
        >>> tau_normalize(torch.tensor([[3.0, 4.0], [0.0, 2.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 1.0]]
    """
    norms = weight.norm(dim=1, keepdim=True)
    return weight / norms.masked_fill(norms == 0, 1) ** tau


def norm_limit(weight: Tensor, share: float = 0.1) -> Tensor:
    r"""The limit that MaxNorm puts on the norms of rows.

    Alshammari et al., arXiv 2203.14197, as in the released code, which takes
    the rows of the first stage's classifier:

    .. math::
        \delta = \min_c \|W_c\|
        + s \, (\max_c \|W_c\| - \min_c \|W_c\|) .

    Args:
        weight: ``(K, D)``.
        share: :math:`s` in [0, 1].

    Returns:
        A scalar.

    Raises:
        ValueError: For a share outside of [0, 1].

    Examples:
        >>> norm_limit(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), 0.5).item()
        3.0
    """
    if not 0 <= share <= 1:
        raise ValueError(
            f'Expected `share` from 0 to 1, but got {share}: the position of '
            'the limit between the shortest and the longest row.'
        )
    norms = weight.norm(dim=1)
    return torch.lerp(norms.min(), norms.max(), share)


def limit_norms(weight: Tensor, limit: Tensor | float) -> Tensor:
    r"""Shorten the rows above a limit, :math:`\min(1, \delta / \|W_c\|) W_c`.

    MaxNorm, Alshammari et al., arXiv 2203.14197. A row of zeros stays
    unchanged.

    Args:
        weight: ``(K, D)``.
        limit: :math:`\delta`, at least 0, from :func:`norm_limit`.

    Returns:
        ``(K, D)``.

    Examples:
        >>> limit_norms(torch.tensor([[6.0, 8.0], [0.0, 2.0]]), 5).tolist()
        [[3.0, 4.0], [0.0, 2.0]]
    """
    norms = weight.norm(dim=1, keepdim=True)
    return weight * torch.where(norms > limit, limit / norms, 1)
