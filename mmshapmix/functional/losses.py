r"""Classification losses for long-tailed training, on hard or soft labels.

A loss is composed of steps: adjust the logits, apply a criterion
(:mod:`~mmshapmix.functional.criteria`), weight by class
(:mod:`~mmshapmix.functional.class_weights`), optionally multiply the loss of
each sample by a factor (:func:`influence_factor`), reduce. With targets
:math:`q` (one-hot for hard labels), the criterion's loss of each label
:math:`\ell(z, c)` and class weights :math:`w`,

.. math::
    \ell_i = \sum_c w_c \, q_{ic} \, \ell(z_i, c) , \qquad
    W_i = \sum_c w_c \, q_{ic} .

Three reductions of :math:`\ell` are in use; with class weights and mixed
labels they give different results:

* ``'mean'``: :math:`\sum_i \ell_i / N` (the equations of most papers);
* ``'weighted_mean'``: :math:`\sum_i \ell_i / \sum_i W_i` (PyTorch and
  MMAction2);
* two terms for a mixed pair, each a weighted mean over its own labels (BRL's
  released heads): :func:`mixed_cross_entropy` with ``'two_term'``, which needs
  the two labels separately.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import criteria
from .checks import check_choice
from .class_weights import frequencies

REDUCTIONS = ('mean', 'weighted_mean')
MIXED_REDUCTIONS = (*REDUCTIONS, 'two_term')


def soft_labels(targets: Tensor, num_classes: int) -> Tensor:
    """Convert hard labels ``(N,)`` to soft labels ``(N, K)`` float.

    Soft labels ``(N, K)`` are returned unchanged.

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


def log_prior(class_counts: Tensor) -> Tensor:
    r"""Log class frequencies :math:`\log(n_c / \sum_j n_j)`, ``(K,)``.

    Raises:
        ValueError: If a class has no sample: its logarithm would be -inf.
    """
    return frequencies(class_counts).log()


def adjust_logits(logits: Tensor, prior: Tensor, tau: float = 1.0) -> Tensor:
    r"""Logit adjustment :math:`z + \tau \log \pi`.

    Menon et al., arXiv 2007.07314, Eq. (10). With ``tau=1``, cross-entropy on
    the adjusted logits is balanced softmax (Ren et al., arXiv 2007.10740, Eq.
    (3)): log counts and log frequencies differ by a constant, which the
    softmax ignores. A negative ``tau`` is the post-hoc adjustment of the
    scores of a plainly trained model.

    Args:
        logits: ``(N, K)``.
        prior: ``(K,)``, from :func:`log_prior`.
        tau: Strength; 0 leaves the logits as they are.
    """
    return logits + tau * prior


def weigh_labels(
    table: Tensor, targets: Tensor, class_weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    r"""Loss :math:`\ell` and weight :math:`W` of each sample.

    Args:
        table: ``(N, K)`` loss of each label, from a criterion.
        targets: ``(N,)`` int64 labels or ``(N, K)`` soft labels.
        class_weight: ``(K,)``; ``None``: all ones.

    Returns:
        ``(N,)`` losses and ``(N,)`` weights, both before reduction.

    Examples:
        >>> table = torch.tensor([[1.0, 3.0]])
        >>> loss, weight = weigh_labels(table, torch.tensor([[0.25, 0.75]]))
        >>> loss.item(), weight.item()
        (2.5, 1.0)
    """
    q = soft_labels(targets, table.shape[1])
    if class_weight is not None:
        q = q * class_weight
    return (q * table).sum(1), q.sum(1)


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    class_weight: Tensor | None = None,
    gamma: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Softmax cross-entropy or focal loss, and weight, of each sample.

    Args:
        logits: ``(N, K)``.
        targets: ``(N,)`` int64 labels or ``(N, K)`` soft labels.
        class_weight: ``(K,)``; ``None``: all ones.
        gamma: Focusing parameter; 0: plain cross-entropy.

    Returns:
        ``(N,)`` losses and ``(N,)`` weights, both before reduction.

    Examples:
        >>> loss, weight = cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
        >>> round(loss.item(), 4), weight.item()
        (0.6931, 1.0)
    """
    table = criteria.softmax(logits, gamma)
    return weigh_labels(table, targets, class_weight)


def influence_factor(
    logits: Tensor,
    targets: Tensor,
    features: Tensor,
    alpha: float = 1000.0,
    eps: float = 1e-3,
) -> Tensor:
    r"""Factor on each sample's loss that falls with the sample's influence.

    Influence-balanced loss, Park et al., arXiv 2110.02444:

    .. math::
        \frac{\alpha}{\|p - q\|_1 \, \|h\|_1 + \epsilon} , \qquad
        p = \mathrm{softmax}(z)

    The product is the l1 norm of the gradient of the cross-entropy with
    respect to the weights of a linear classifier on :math:`h`.

    Args:
        logits: ``(N, K)``.
        targets: ``(N,)`` int64 labels or ``(N, K)`` soft labels, :math:`q`.
        features: ``(N, D)``, the classifier's input, :math:`h`.
        alpha: :math:`\alpha`.
        eps: :math:`\epsilon`, which bounds the factor of samples that are
            already learnt.

    Returns:
        ``(N,)``.

    Examples:
        >>> factor = influence_factor(
        ...     torch.zeros(1, 2), torch.tensor([0]), torch.ones(1, 4), 8.0
        ... )
        >>> round(factor.item(), 2)
        2.0
    """
    distance = logits.softmax(1) - soft_labels(targets, logits.shape[1])
    influence = distance.abs().sum(1) * features.abs().sum(1)
    return alpha / (influence + eps)


def reduce_loss(
    loss: Tensor, weight: Tensor, reduction: str = 'weighted_mean'
) -> Tensor:
    """Reduce ``(N,)`` losses to a scalar, see the module's docstring.

    Args:
        loss: ``(N,)`` losses, class weights included.
        weight: ``(N,)`` weights :math:`W` of the samples.
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
    r"""Cross-entropy of mixed samples, from the two labels of each pair.

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
        class_weight: ``(K,)``; ``None``: all ones.
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
    first, second = (
        share.reshape(-1, 1) * F.one_hot(term_labels, logits.shape[1])
        for term_labels, share in terms
    )
    loss, weight = cross_entropy(logits, first + second, class_weight)
    return reduce_loss(loss, weight, reduction)
