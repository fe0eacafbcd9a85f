r"""InfoGCN's latent code: its noise, its prior, and the loss between them.

Chi et al., CVPR 2022, 10.1109/CVPR52688.2022.01955. A code :math:`z` of D
numbers should tell the class and little else (information bottleneck): the
codes of class c should have the mean :math:`\rho_c`, and all codes together
the mean 0 (maximum mean discrepancy with a linear kernel).
"""

import math

import torch
from torch import Tensor, nn


def sample_prior(
    num_classes: int,
    channels: int,
    gain: float = 3.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Orthogonal means :math:`\rho` of the classes.

    Args:
        num_classes: K.
        channels: D.
        gain: Length of the means. With K above D the means are shorter, and
            the columns are orthogonal instead.
        generator: A generator on the CPU; ``None``: the global generator.

    Returns:
        ``(K, D)``.

    Examples:
        >>> prior = sample_prior(2, 3)
        >>> bool(torch.allclose(prior @ prior.T, 9 * torch.eye(2), atol=1e-4))
        True
    """
    prior = torch.empty(num_classes, channels)
    return nn.init.orthogonal_(prior, gain, generator)


def sample_codes(
    mean: Tensor,
    log_variance: Tensor,
    noise_ratio: float = 0.5,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Draw normal codes :math:`z = \mu + \epsilon \sigma`.

    As in the authors' code, the factor of the noise is
    :math:`\min(e^{r \log\sigma^2}, 100)`; for a ``noise_ratio`` r of 0.5 it is
    the standard deviation itself.

    Args:
        mean: ``(N, D)``, :math:`\mu`.
        log_variance: ``(N, D)``, :math:`\log \sigma^2`.
        noise_ratio: r.
        generator: A generator on the device of ``mean``; ``None``: the global
            generator.

    Returns:
        ``(N, D)``, at least float32.
    """
    # Limited to 100 before exp, which could overflow and lose the gradient.
    std = (noise_ratio * log_variance.float()).clamp(max=math.log(100)).exp()
    noise = torch.randn(
        std.shape, generator=generator, device=std.device, dtype=std.dtype
    )
    return mean + noise * std


def latent_loss(
    codes: Tensor,
    labels: Tensor,
    prior: Tensor,
    mean_weight: float = 1e-4,
    prior_weight: float = 1e-1,
) -> Tensor:
    r"""Loss of the distance between codes and their prior.

    .. math::
        \lambda_1 \Big\| \frac1N \sum_i z_i \Big\|_2 +
        \frac{\lambda_2}{D} \frac
        {\sum_c w_c \| \bar z_c - \rho_c \|_2^2}{\sum_c w_c} , \qquad
        \bar z_c = \frac{\sum_i q_{ic} z_i}{m_c} , \quad
        m_c = \sum_i q_{ic} , \quad w_c = \min(m_c, 1)

    With one-hot labels q this is the authors' loss, in which each class of the
    batch has the same weight. With soft labels, a class with a total label
    weight :math:`m_c` below 1 counts only by that weight.

    Args:
        codes: ``(N, D)``, z.
        labels: ``(N, K)`` soft labels, q.
        prior: ``(K, D)``, :math:`\rho`.
        mean_weight: :math:`\lambda_1`.
        prior_weight: :math:`\lambda_2`.

    Returns:
        A scalar.

    Examples:
        >>> codes, labels = torch.tensor([[3.0], [1.0]]), torch.eye(2)[[0, 0]]
        >>> latent_loss(codes, labels, torch.zeros(2, 1), 0, 1).item()
        4.0
    """
    mass = labels.sum(0)
    weights = mass.clamp(max=1)
    # A product and a sum, since autocast would compute a matrix product in
    # half precision.
    sums = (labels[:, :, None] * codes[:, None]).sum(0)
    means = sums / torch.where(mass > 0, mass, 1)[:, None]
    distances = (means - prior).square().mean(1)
    distance = (weights * distances).sum() / weights.sum()
    return mean_weight * codes.mean(0).norm() + prior_weight * distance
