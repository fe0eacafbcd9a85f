r"""Activations of one class against all others, in a form that keeps order.

Near 1 an activation :math:`p` has few digits left: in float32 the sigmoids of
20 and 25 are both 1. So all is done with :math:`\log p` and
:math:`\log (1 - p)`, and what rounding makes equal in the end is parted again.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

LIMIT = 700.0
"""The exponential of more is too large for float64."""

Logs = Callable[[Tensor], tuple[Tensor, Tensor]]


def sigmoid_logs(logits: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\log p` and :math:`\log (1 - p)` of the sigmoid :math:`p`."""
    return F.logsigmoid(logits), F.logsigmoid(-logits)


def gumbel_logs(logits: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`\log p` and :math:`\log (1 - p)` of Gumbel's activation.

    GOL, Alexandridis et al., arXiv 2207.10936:
    :math:`p = \exp(-e^{-z})`. Its release keeps z within [-4, 10], and so has
    equal predictions beyond; here z ends where the exponential does.
    """
    hazard = (-logits.clamp(-LIMIT, LIMIT)).exp()
    return -hazard, (-torch.expm1(-hazard)).log()


def mean_activations(logits: Tensor, logs: Logs) -> Tensor:
    r"""The means of activations over clips, in the order of the exact means.

    Of the means :math:`\bar p` come the log-odds
    :math:`\log \sum p - \log \sum (1 - p)`, which do not saturate. For one
    clip they rank as its logits do; where those of several are equal in
    float64, as with one clip of two near 1, the mean logits decide.

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
    """Scores that differ where their keys do, by the least steps there are.

    Args:
        scores: ``(N, K)`` float64, none negative; no smaller one has a larger
            first key.
        *keys: ``(N, K)``; a later one counts where those before are equal.

    Returns:
        ``(N, K)``. Of equal scores, that of the largest key stays; each
        smaller key takes another step down.
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
    # As integers, the bits of floats that are not negative are in their order.
    lowest = torch.finfo(scores.dtype).tiny
    bits = scores.clamp_min(lowest).gather(1, order).view(torch.int64)
    bits = (bits + steps).cummin(1).values - steps
    return torch.empty_like(scores).scatter_(1, order, bits.view(scores.dtype))
