"""Vectorised random draws from a generator that the caller owns."""

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
    # The length is hashed, too: SeedSequence ignores zeros at the end.
    words = np.random.SeedSequence([len(seed), *seed]).generate_state(2)
    generator = torch.Generator(device)
    # Two 32-bit words become 63 bits: manual_seed takes a signed 64-bit
    # number.
    return generator.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def sample_integers(
    low: Tensor, high: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw integers uniformly from ``low`` to ``high``, both included.

    Args:
        low: int64, of any shape.
        high: int64, the same shape, not below ``low``.
        generator: A generator on the device of ``low``; ``None``: the global
            generator.

    Returns:
        int64 of the shape of ``low``.
    """
    u = torch.rand(low.shape, generator=generator, device=low.device)
    return low + (u * (high - low + 1)).long()


def sample_rounded(
    value: float, generator: torch.Generator | None = None
) -> int:
    """Round a number up or down at random, so that its mean is the number.

    Args:
        value: The number, not negative; an integer is returned unchanged.
        generator: A generator on the CPU; ``None``: the global generator.
    """
    return int(value + torch.rand((), generator=generator).item())


def sample_subsets(
    available: Tensor,
    low: Tensor,
    high: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw a subset for each row: a uniform size, then uniform members.

    Args:
        available: ``(N, P)`` bool, the possible members.
        low: ``(N,)`` int64, the smallest size.
        high: ``(N,)`` int64, the largest size, at most the number of
            possible members.
        generator: A generator on the device of ``available``; ``None``: the
            global generator.

    Returns:
        ``(N, P)`` bool.
    """
    size = sample_integers(low, high, generator)
    keys = torch.rand(
        available.shape, generator=generator, device=available.device
    )
    # Keys are below 1, so a key of 2 sorts an unavailable member last.
    order = keys.masked_fill(~available, 2).argsort(1)
    return order.argsort(1) < size[:, None]


def sample_categories(
    probabilities: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw a category for each row.

    Args:
        probabilities: ``(N, S)``, rows that sum to 1.
        generator: A generator on the device of ``probabilities``; ``None``:
            the global generator.

    Returns:
        ``(N,)`` int64.
    """
    # Not torch.multinomial, whose argument checks synchronise with the GPU.
    cdf = probabilities.cumsum(1)
    u = torch.rand(
        len(cdf), 1, generator=generator, device=cdf.device, dtype=cdf.dtype
    )
    # The last entry is 1 up to rounding: scale the draw to it.
    found = torch.searchsorted(cdf, u * cdf[:, -1:], right=True)
    return found.squeeze(1).clamp_max(cdf.shape[1] - 1)


def sample_kept(
    drop_prob: Tensor,
    num_samples: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw the classes that each sample keeps, all independently.

    Args:
        drop_prob: ``(K,)`` probability that a class is dropped; 0: never, 1:
            always.
        num_samples: N.
        generator: A generator on the device of ``drop_prob``; ``None``: the
            global generator.

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
    """Draw a partner for each sample: a permutation without fixed points.

    The partners form one random cycle through all samples: no sample is its
    own partner (except in a batch of one), and each is a partner once.

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
    """Draw from Beta(alpha, alpha), ``(N,)``; uniform for ``alpha=1``."""
    # If X and Y are Gamma(alpha, 1), X / (X + Y) is Beta(alpha, alpha).
    gammas = torch._standard_gamma(
        torch.full((2, num_samples), float(alpha), device=device),
        generator=generator,
    )
    return gammas[0] / gammas.sum(0)
