"""Class weights from measured class counts."""

from collections.abc import Callable

import torch
from torch import Tensor

from .longtail import check_no_empty_class


def positive_counts(class_counts: Tensor) -> Tensor:
    """Class counts ``(K,)`` as floating point.

    Raises:
        ValueError: If a class has no sample.
    """
    counts = torch.as_tensor(class_counts)
    check_no_empty_class(counts.cpu().numpy())
    return counts.to(torch.promote_types(counts.dtype, torch.float32))


def frequencies(class_counts: Tensor) -> Tensor:
    r"""Class frequencies :math:`n_c / \sum_j n_j`, ``(K,)`` floating point.

    Raises:
        ValueError: If a class has no sample.
    """
    counts = positive_counts(class_counts)
    return counts / counts.sum()


def inverse_frequency(class_counts: Tensor, normalize: bool = False) -> Tensor:
    r"""Class weights :math:`w_c = \sum_j n_j / n_c`, ``(K,)``.

    The weights of the weighted softmax loss in BRL's Table III and,
    normalised, of the influence-balanced loss, arXiv 2110.02444.

    Args:
        class_counts: ``(K,)``.
        normalize: Whether the weights are scaled to a sum of K.

    Raises:
        ValueError: If a class has no sample.

    Examples:
        >>> inverse_frequency(torch.tensor([6, 2])).tolist()
        [1.3333333730697632, 4.0]
        >>> inverse_frequency(torch.tensor([6, 2]), normalize=True).tolist()
        [0.5, 1.5]
    """
    weight = 1 / frequencies(class_counts)
    return _with_mean_1(weight) if normalize else weight


def _with_mean_1(weight: Tensor) -> Tensor:
    """Weights ``(K,)`` scaled to a sum of K."""
    return weight * len(weight) / weight.sum()


def class_balanced(class_counts: Tensor, beta: float = 0.9999) -> Tensor:
    r"""Class weights by the effective number of samples, ``(K,)``.

    Cui et al., arXiv 1901.05555: :math:`w_c \propto
    \frac{1 - \beta}{1 - \beta^{n_c}}`, with a sum of K.

    Args:
        class_counts: ``(K,)``.
        beta: In (0, 1). The authors' script uses 0.9999, BRL uses 0.999.

    Raises:
        ValueError: If a class has no sample, or for another beta.

    Examples:
        >>> class_balanced(torch.tensor([1, 1])).tolist()
        [1.0, 1.0]
    """
    if not 0 < beta < 1:
        raise ValueError(f'Expected `beta` in (0, 1), but got {beta}.')
    return _with_mean_1(_effective_weight(class_counts, lambda n: beta))


def _effective_weight(
    class_counts: Tensor, beta_of: Callable[[Tensor], Tensor | float]
) -> Tensor:
    """Return (1 - beta) / (1 - beta^n), ``(K,)``.

    Args:
        class_counts: ``(K,)``, n.
        beta_of: Maps n to beta, ``(K,)`` or one number for all classes.
    """
    counts = positive_counts(class_counts)
    n = counts.double()  # 1 - beta loses its digits in single precision
    beta = beta_of(n)
    weight = (1 - beta) / (1 - beta**n)
    return weight.to(counts.dtype)


def action_aware(
    class_counts: Tensor, upsilon: float = 0.99, lam: float | None = None
) -> Tensor:
    r"""Class weights of the action-aware loss, ``(K,)``.

    BRL, arXiv 2308.14024, Eq. (7) and (9):

    .. math::
        \beta_c = \lambda \frac{n_c - n_{min}}{n_{max} - n_{min}} + \upsilon ,
        \qquad w_c = \frac{1 - \beta_c}{1 - \beta_c^{n_c}} .

    The paper sets :math:`\lambda` "according to the imbalance ratio"
    :math:`\rho = n_{max} / n_{min}` without saying how, and uses 0.0099. A
    fixed :math:`\lambda` spreads :math:`\beta` as far for classes of 600 and
    601 samples as for 600 and 6. By default, therefore,

    .. math::
        \lambda = (1 - \upsilon) \left(1 - \frac{1}{\rho}\right) ,
        \qquad\text{thus}\qquad
        1 - \beta_c = (1 - \upsilon)
        \left(1 - \frac{n_c - n_{min}}{n_{max}}\right) :

    from the rarest class to the largest, :math:`1 - \beta` shrinks by the
    imbalance ratio. At a ratio of 100, :math:`\lambda` is the paper's 0.0099;
    towards a ratio of 1, the weights become equal.

    Args:
        class_counts: ``(K,)``.
        upsilon: :math:`\upsilon`, the smallest :math:`\beta`.
        lam: :math:`\lambda`, the difference of the largest and the smallest
            :math:`\beta`, for Eq. (7) literally; ``None``: from the imbalance
            ratio, as above.

    Raises:
        ValueError: If a class has no sample, or :math:`\beta` leaves (0, 1).

    Examples:
        >>> weight = action_aware(torch.tensor([100, 10, 1]))
        >>> [round(w, 4) for w in weight.tolist()]
        [0.01, 0.1042, 1.0]
        >>> weight = action_aware(torch.tensor([600, 601]))
        >>> [round(w, 4) for w in weight.tolist()]
        [0.01, 0.01]
    """
    if not 0 < upsilon <= upsilon + (lam or 0) < 1:
        raise ValueError(
            'Expected `upsilon` above 0, `lam` of at least 0 and their sum '
            f'below 1, but got {upsilon} and {lam}.'
        )

    def beta(n: Tensor) -> Tensor:
        if lam is None:
            return upsilon + (1 - upsilon) * (n - n.min()) / n.max()
        span = (n.max() - n.min()).clamp_min(1)
        return lam * (n - n.min()) / span + upsilon

    return _effective_weight(class_counts, beta)


CLASS_WEIGHTS = dict(
    inverse_frequency=inverse_frequency,
    class_balanced=class_balanced,
    action_aware=action_aware,
)
"""Functions from class counts to class weights ``(K,)``, by name."""
