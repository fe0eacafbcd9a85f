r"""Shapley values of coalitions of body parts, exact and sampled.

Shap-Mix (arXiv 2407.12312), Eq. (2): for a coalition b of the parts U,

.. math::
    v_b = \frac{1}{|U - b| + 1} \sum_{r \subseteq U - b}
          \frac{f(r \cup b) - f(r)}{\binom{|U - b|}{|r|}} ,

the average marginal contribution of b, merged into one player, to the worth
f. This is the generalised Shapley value of Marichal et al. (doi:
10.1016/j.dam.2007.02.003); for a single part it is the Shapley value.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .coalitions import (
    Coalitions,
    all_coalitions,
    binomial,
    coalition_index,
)
from .draws import sample_subsets

Worth = Tensor
"""``(..., 2^P)``, worth f of all coalitions, in binary numbering."""


def shapley_matrix(coalitions: Coalitions) -> Tensor:
    """Matrix of Eq. (2), from the worth of all coalitions to v_b.

    Args:
        coalitions: ``(S, P)`` bool, the coalitions b.

    Returns:
        ``(S, 2^P)`` float64, on the CPU; its rows sum to 0.
    """
    coalitions = coalitions.cpu()
    num_parts = coalitions.shape[1]
    contexts = all_coalitions(num_parts)
    # (S, 2^P): contexts r that share no part with b, and their weights in
    # Eq. (2); contexts that do share one have weight 0.
    disjoint = ~(coalitions[:, None] & contexts).any(-1)
    rest = num_parts - coalitions.sum(1, keepdim=True)
    size = contexts.sum(1).expand_as(disjoint)
    count = binomial(rest, size.minimum(rest))
    weight = torch.where(disjoint, 1 / (count * (rest + 1)), 0.0)
    joined = coalition_index(coalitions[:, None] | contexts)
    return torch.zeros_like(weight).scatter_add(1, joined, weight) - weight


def shapley_values(worth: Worth, coalitions: Coalitions) -> Tensor:
    """Exact values v_b of Eq. (2), from the worth of all coalitions.

    Args:
        worth: ``(..., 2^P)``.
        coalitions: ``(S, P)`` bool, the coalitions b.

    Returns:
        ``(..., S)``.

    Examples:
        >>> pair_wins = torch.tensor([0., 0., 0., 1.])
        >>> shapley_values(pair_wins, all_coalitions(2)[1:]).tolist()
        [0.5, 0.5, 1.0]
    """
    return worth @ shapley_matrix(coalitions).to(worth).T


def sample_contexts(
    coalitions: Coalitions, generator: torch.Generator | None = None
) -> Coalitions:
    """Draw, for each coalition b, a disjoint context r that b joins.

    The size of r is uniform on 0 .. |U - b|, and given the size its members
    are uniform. The expected marginal contribution of b is then v_b.

    Args:
        coalitions: ``(N, P)`` bool, the coalitions b.
        generator: A generator on the device of ``coalitions``; ``None``: the
            global generator.

    Returns:
        ``(N, P)`` bool.
    """
    rest = (~coalitions).sum(1)
    return sample_subsets(~coalitions, torch.zeros_like(rest), rest, generator)


def marginal_contribution(
    joined: Tensor, context: Tensor, clamp: bool = False
) -> Tensor:
    """Marginal contribution of b to r, ``f(r | b) - f(r)``, elementwise.

    Args:
        joined: Worth of r and b together.
        context: Worth of r, the same shape.
        clamp: Whether to raise negative contributions to 0, as the released
            code does. The mean of clamped contributions overestimates v_b
            wherever their signs differ.
    """
    contribution = joined - context
    return contribution.clamp_min(0) if clamp else contribution


def sampled_shapley_values(
    worth: Callable[[Coalitions], Tensor],
    coalitions: Coalitions,
    num_draws: int,
    clamp: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Means of sampled marginal contributions; unbiased without ``clamp``.

    Args:
        worth: Function from coalitions ``(N, P)`` bool to their worth
            ``(N,)``.
        coalitions: ``(S, P)`` bool, the coalitions b.
        num_draws: Number of contexts for each b.
        clamp: See :func:`marginal_contribution`.
        generator: A generator on the device of ``coalitions``; ``None``: the
            global generator.

    Returns:
        ``(S,)``.
    """
    repeated = coalitions.repeat_interleave(num_draws, dim=0)
    context = sample_contexts(repeated, generator)
    contribution = marginal_contribution(
        worth(context | repeated), worth(context), clamp
    )
    return contribution.view(len(coalitions), num_draws).mean(1)
