"""Random draws, vectorised, from a generator that the caller owns."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def make_generator(
    seed: Sequence[int], device: torch.device | str = 'cpu'
) -> torch.Generator:
    """A generator on a device, seeded by several non-negative integers.

    Examples:
        >>> one, other = make_generator((0, 1)), make_generator((0, 1))
        >>> torch.equal(torch.rand(3, generator=one),
        ...             torch.rand(3, generator=other))
        True
    """
    # The length, too, since SeedSequence does not see zeros at the end.
    words = np.random.SeedSequence([len(seed), *seed]).generate_state(2)
    generator = torch.Generator(device)
    # manual_seed takes a signed number of 64 bits.
    return generator.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def sample_integers(
    low: Tensor, high: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Integers, uniform from ``low`` to ``high``, both included.

    Args:
        low: int64, of any shape.
        high: int64, the same shape, not below ``low``.
        generator: On their device; none: the global one.

    Returns:
        int64 of that shape.
    """
    u = torch.rand(low.shape, generator=generator, device=low.device)
    return low + (u * (high - low + 1)).long()


def sample_rounded(
    value: float, generator: torch.Generator | None = None
) -> int:
    """One of the two integers around a number, which it is on average.

    Args:
        value: The number; an integer is returned as it is.
        generator: On the CPU; none: the global one.
    """
    return int(value + torch.rand((), generator=generator).item())


def sample_subsets(
    available: Tensor,
    low: Tensor,
    high: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """A subset for each row: its size uniform, then its members uniform.

    Args:
        available: ``(N, P)`` bool, what may be a member.
        low: ``(N,)`` int64, the smallest size.
        high: ``(N,)`` int64, the largest, at most what is available.
        generator: On their device; none: the global one.

    Returns:
        ``(N, P)`` bool.
    """
    size = sample_integers(low, high, generator)
    keys = torch.rand(
        available.shape, generator=generator, device=available.device
    )
    order = keys.masked_fill(~available, 2).argsort(1)
    return order.argsort(1) < size[:, None]


def sample_categories(
    probabilities: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """A category for each row.

    Args:
        probabilities: ``(N, S)``, rows that sum to 1.
        generator: On their device; none: the global one.

    Returns:
        ``(N,)`` int64.
    """
    # Not torch.multinomial, whose checks wait for the GPU.
    cdf = probabilities.cumsum(1)
    u = torch.rand(
        len(cdf), 1, generator=generator, device=cdf.device, dtype=cdf.dtype
    )
    # cdf[:, -1] stands for 1, which rounding may miss.
    found = torch.searchsorted(cdf, u * cdf[:, -1:], right=True)
    return found.squeeze(1).clamp_max(cdf.shape[1] - 1)


def sample_kept(
    drop_prob: Tensor,
    num_samples: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Which classes each sample keeps, all drawn apart.

    Args:
        drop_prob: ``(K,)`` probability that a class is dropped; 0: never, 1:
            always.
        num_samples: N.
        generator: On its device; none: the global one.

    Returns:
        ``(N, K)`` bool.
    """
    u = torch.rand(
        num_samples,
        len(drop_prob),
        generator=generator,
        device=drop_prob.device,
    )
    return u >= drop_prob


def sample_partners(
    num_samples: int,
    device: torch.device | str = 'cpu',
    generator: torch.Generator | None = None,
) -> Tensor:
    """A partner for each sample: a permutation that leaves nobody alone.

    It is a random cycle through all samples, so that nobody meets himself
    (alone in a batch, he does) and everybody is a partner once.

    Returns:
        ``(N,)`` int64.
    """
    order = torch.randperm(num_samples, generator=generator, device=device)
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)
    return partner


def sample_beta(
    alpha: float,
    num_samples: int,
    device: torch.device | str = 'cpu',
    generator: torch.Generator | None = None,
) -> Tensor:
    """Numbers from Beta(alpha, alpha), ``(N,)``; uniform for ``alpha=1``."""
    gammas = torch._standard_gamma(
        torch.full((2, num_samples), float(alpha), device=device),
        generator=generator,
    )
    return gammas[0] / gammas.sum(0)
