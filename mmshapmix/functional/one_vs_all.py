r"""One-vs-all activations whose rounding does not change their order.

Near 1 an activation :math:`p` has few digits left: in float32 the sigmoids of
20 and 25 are both 1. Everything is therefore computed from :math:`\log p` and
:math:`\log (1 - p)`, and scores that rounding makes equal are separated again.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

LIMIT = 700.0
"""Largest argument of exp: beyond about 709 the result overflows float64."""

Logs = Callable[[Tensor], tuple[Tensor, Tensor]]
"""A function from logits to ``log p`` and ``log(1 - p)``."""


def sigmoid_logs(logits: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\log p` and :math:`\log (1 - p)` of the sigmoid :math:`p`."""
    return F.logsigmoid(logits), F.logsigmoid(-logits)


def gumbel_logs(logits: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\log p` and :math:`\log (1 - p)` of the Gumbel activation.

    GOL, Alexandridis et al., arXiv 2207.10936:
    :math:`p = \exp(-e^{-z})`. The released code clamps z to [-4, 10], which
    makes predictions beyond equal; here only :data:`LIMIT` bounds z.
    """
    hazard = (-logits.clamp(-LIMIT, LIMIT)).exp()
    return -hazard, (-torch.expm1(-hazard)).log()


def mean_activations(logits: Tensor, logs: Logs) -> Tensor:
    r"""Mean activations over clips, in the order of the exact means.

    Classes are ranked by the log-odds of the mean :math:`\bar p`,
    :math:`\log \sum p - \log \sum (1 - p)`, which do not saturate. For one
    clip they rank as the logits do. Where the log-odds over several clips are
    equal in float64 (for example if one clip of two is near 1), the mean
    logits decide.

    Args:
        logits: ``(N, clips, K)``.
        logs: :func:`sigmoid_logs` or :func:`gumbel_logs`.

    Returns:
        ``(N, K)`` float64 in [0, 1].

    Examples:
        >>> logits = torch.tensor([[[20.0, 25.0, 0.0]]])
        >>> mean_activations(logits, sigmoid_logs).argmax(1).item()
        1
    """
    logits = logits.double()
    log_p, log_rest = logs(logits)
    odds = log_p.logsumexp(1) - log_rest.logsumexp(1)
    return part_ties(odds.sigmoid(), odds, logits.mean(1))


def part_ties(scores: Tensor, *keys: Tensor) -> Tensor:
    """Separate equal scores whose keys differ, by the smallest float steps.

    Args:
        scores: ``(N, K)`` float64, none negative; no smaller score has a
            larger first key.
        *keys: ``(N, K)``; a later key counts where the earlier ones are equal.

    Returns:
        ``(N, K)``. Of equal scores, the score of the largest key is kept;
        each smaller key takes one more step down.
    """
    order = torch.arange(scores.shape[1], device=scores.device)
    order = order.expand(scores.shape)
    for key in reversed(keys):
        ranks = key.gather(1, order).argsort(
            dim=1, descending=True, stable=True
        )
        order = order.gather(1, ranks)
    falls = [key.gather(1, order).diff(dim=1) != 0 for key in keys]
    steps = F.pad(torch.stack(falls).any(0).long().cumsum(1), (1, 0))
    # Read as integers, the bits of non-negative floats keep their order.
    lowest = torch.finfo(scores.dtype).tiny
    bits = scores.clamp_min(lowest).gather(1, order).view(torch.int64)
    bits = (bits + steps).cummin(1).values - steps
    return torch.empty_like(scores).scatter_(1, order, bits.view(scores.dtype))
