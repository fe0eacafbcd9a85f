r"""Classification losses for long-tailed training, on hard or soft labels.

A loss is composed: adjust the logits, take the cross-entropy, focus it on what
is not known yet (focal), weight by class, reduce. With targets :math:`q`
(one-hot for hard labels), logits :math:`z` and class weights :math:`w`,

.. math::
    \ell_i = -\sum_c w_c \, q_{ic} (1 - p_{ic})^\gamma \log p_{ic} , \qquad
    p_i = \mathrm{softmax}(z_i) , \qquad
    W_i = \sum_c w_c \, q_{ic} .

Three reductions of :math:`\ell` are in use, and with class weights on mixed
labels they differ:

* ``'mean'``: :math:`\sum_i \ell_i / N` (the equations of most papers);
* ``'weighted_mean'``: :math:`\sum_i \ell_i / \sum_i W_i` (PyTorch and
  MMAction2);
* two terms, each a weighted mean over its own labels, of a mixed pair (BRL's
  released heads): :func:`mixed_cross_entropy` with ``'two_term'``, which needs
  the two labels apart.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_choice
from .longtail import check_no_empty_class

REDUCTIONS = ('mean', 'weighted_mean')
MIXED_REDUCTIONS = (*REDUCTIONS, 'two_term')


def soft_labels(targets: Tensor, num_classes: int) -> Tensor:
    """Soft labels ``(N, K)`` float of soft ``(N, K)`` or hard ``(N,)`` ones.

    Raises:
        ValueError: If the targets have neither shape.
    """
    if targets.ndim == 1:
        return F.one_hot(targets, num_classes).float()
    if targets.ndim == 2 and targets.shape[1] == num_classes:
        return targets
    raise ValueError(
        f'Expected targets of shape (N,) or (N, {num_classes}), '
        f'but got {tuple(targets.shape)}.'
    )


def _frequencies(class_counts: Tensor) -> Tensor:
    """``(K,)`` shares of the classes, floating point, none of them 0."""
    counts = torch.as_tensor(class_counts)
    check_no_empty_class(counts.cpu())
    counts = counts.to(torch.promote_types(counts.dtype, torch.float32))
    return counts / counts.sum()


def log_prior(class_counts: Tensor) -> Tensor:
    r"""Log class frequencies :math:`\log(n_c / \sum_j n_j)`, ``(K,)``.

    Raises:
        ValueError: If a class has no sample, which would make it -inf.
    """
    return _frequencies(class_counts).log()


def adjust_logits(logits: Tensor, prior: Tensor, tau: float = 1.0) -> Tensor:
    r"""Logit adjustment :math:`z + \tau \log \pi`.

    Menon et al., arXiv 2007.07314, Eq. (10). With ``tau=1``, cross-entropy on
    it is balanced softmax (Ren et al., arXiv 2007.10740, Eq. (3)): the
    softmax does not see the common shift between log counts and log
    frequencies. With a negative ``tau`` it is the post-hoc adjustment of
    scores of a plainly trained model.

    Args:
        logits: ``(N, K)``.
        prior: ``(K,)``, from :func:`log_prior`.
        tau: Strength; 0 leaves the logits as they are.
    """
    return logits + tau * prior


def inverse_frequency(class_counts: Tensor) -> Tensor:
    r"""Class weights :math:`w_c = \sum_j n_j / n_c`, ``(K,)``.

    The weighted softmax loss of BRL's Table III.

    Raises:
        ValueError: If a class has no sample.

    Example:
        >>> inverse_frequency(torch.tensor([6, 2])).tolist()
        [1.3333333730697632, 4.0]
    """
    return 1 / _frequencies(class_counts)


def action_aware(
    class_counts: Tensor, upsilon: float = 0.99, lam: float = 0.0099
) -> Tensor:
    r"""Class weights of the action-aware loss, ``(K,)``.

    BRL, arXiv 2308.14024, Eq. (7) and (9):

    .. math::
        \beta_c = \lambda \frac{n_c - n_{min}}{n_{max} - n_{min}} + \upsilon ,
        \qquad w_c = \frac{1 - \beta_c}{1 - \beta_c^{n_c}} .

    Where all classes have the same size, :math:`\beta_c = \upsilon`.

    Args:
        class_counts: ``(K,)``.
        upsilon: :math:`\upsilon`, the smallest :math:`\beta`.
        lam: :math:`\lambda`, how much larger the largest is.

    Raises:
        ValueError: If a class has no sample, or :math:`\beta` leaves (0, 1).

    Example:
        >>> weight = action_aware(torch.tensor([100, 10, 1]))
        >>> [round(w, 4) for w in weight.tolist()]
        [0.01, 0.1042, 1.0]
    """
    if not 0 < upsilon <= upsilon + lam < 1:
        raise ValueError(
            'Expected `upsilon` above 0, `lam` of at least 0 and their sum '
            f'below 1, but got {upsilon} and {lam}.'
        )
    counts = torch.as_tensor(class_counts)
    check_no_empty_class(counts.cpu())
    n = counts.double()  # 1 - beta loses all digits in half precision
    span = (n.max() - n.min()).clamp_min(1)
    beta = lam * (n - n.min()) / span + upsilon
    weight = (1 - beta) / (1 - beta**n)
    return weight.to(torch.promote_types(counts.dtype, torch.float32))


CLASS_WEIGHTS = dict(
    inverse_frequency=inverse_frequency, action_aware=action_aware
)
"""Class weights ``(K,)`` from measured counts, by name."""


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    class_weight: Tensor | None = None,
    gamma: float = 0.0,
) -> tuple[Tensor, Tensor]:
    r"""Cross-entropy :math:`\ell` of each sample, and its weight :math:`W`.

    With ``gamma``, the softmax form of the focal loss (Lin et al., arXiv
    1708.02002, Eq. (4)). The class weight stands outside of :math:`p`.

    Args:
        logits: ``(N, K)``.
        targets: ``(N,)`` int64 labels or ``(N, K)`` soft labels.
        class_weight: ``(K,)``; none: all ones.
        gamma: Focusing parameter; 0: plain cross-entropy.

    Returns:
        ``(N,)`` losses and ``(N,)`` weights, both before reduction.

    Example:
        >>> loss, weight = cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
        >>> round(loss.item(), 4), weight.item()
        (0.6931, 1.0)
    """
    q = soft_labels(targets, logits.shape[1])
    if class_weight is not None:
        q = q * class_weight
    log_p = logits.log_softmax(1)
    weight = q.sum(1)
    if gamma:
        # At p = 1 the gradient of a power below 1 would be infinite.
        rest = (1 - log_p.exp()).clamp_min(torch.finfo(log_p.dtype).eps)
        q = q * rest**gamma
    return -(q * log_p).sum(1), weight


def reduce_loss(
    loss: Tensor, weight: Tensor, reduction: str = 'weighted_mean'
) -> Tensor:
    """Reduce ``(N,)`` losses to a scalar, as the module's head explains.

    Args:
        loss: ``(N,)`` losses, class weights included.
        weight: ``(N,)`` their weights.
        reduction: ``'mean'`` or ``'weighted_mean'``.
    """
    check_choice('reduction', reduction, REDUCTIONS)
    if reduction == 'mean':
        return loss.mean()
    return loss.sum() / weight.sum()


def mixed_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    partner_labels: Tensor,
    lam: Tensor,
    class_weight: Tensor | None = None,
    reduction: str = 'two_term',
) -> Tensor:
    r"""Cross-entropy of mixed samples whose two labels are known apart.

    With ``'two_term'``, as in BRL's released heads,

    .. math::
        \frac{\sum_i \lambda_i w_{a_i} \ell(z_i, a_i)}{\sum_i w_{a_i}} +
        \frac{\sum_i (1 - \lambda_i) w_{b_i} \ell(z_i, b_i)}
             {\sum_i w_{b_i}} .

    The other reductions equal :func:`cross_entropy` on the soft labels
    :math:`\lambda a + (1 - \lambda) b`.

    Args:
        logits: ``(N, K)``.
        labels: ``(N,)`` int64 labels of the originals, :math:`a`.
        partner_labels: ``(N,)`` int64 labels of the partners, :math:`b`.
        lam: ``(N,)`` or scalar weight of the original.
        class_weight: ``(K,)``; none: all ones.
        reduction: One of :data:`MIXED_REDUCTIONS`.

    Returns:
        A scalar.
    """
    check_choice('reduction', reduction, MIXED_REDUCTIONS)
    lam = torch.as_tensor(lam, dtype=logits.dtype, device=logits.device)
    terms = [(labels, lam), (partner_labels, 1 - lam)]
    if reduction == 'two_term':
        parts = []
        for term_labels, share in terms:
            loss, weight = cross_entropy(logits, term_labels, class_weight)
            parts.append(reduce_loss(share * loss, weight))
        return parts[0] + parts[1]
    mixed = sum(
        share.reshape(-1, 1) * F.one_hot(term_labels, logits.shape[1])
        for term_labels, share in terms
    )
    return reduce_loss(*cross_entropy(logits, mixed, class_weight), reduction)
