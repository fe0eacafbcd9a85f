r"""Criteria: the loss of every possible label.

A criterion makes of the logits of N samples a table ``(N, K)``: entry
:math:`\ell(z_i, c)` is the loss of sample i if its label is class c. So hard
and soft labels are the same to all of them, and
:func:`~mmshapmix.functional.losses.weigh_labels` adds class weights. Nothing
here knows labels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

GUMBEL_RANGE = (-4.0, 10.0)


def focused(table: Tensor, gamma: float) -> Tensor:
    r"""Focal loss :math:`(1 - p)^\gamma \ell`, where :math:`p = e^{-\ell}`.

    Lin et al., arXiv 1708.02002, Eq. (4), in its softmax form.

    Args:
        table: ``(N, K)``, from a criterion that is the log of a probability.
        gamma: Focusing parameter; 0: nothing changes.
    """
    if not gamma:
        return table
    # At p = 1 the gradient of a power below 1 would be infinite.
    rest = (-torch.expm1(-table)).clamp_min(torch.finfo(table.dtype).eps)
    return rest**gamma * table


def softmax(logits: Tensor, gamma: float = 0.0) -> Tensor:
    r"""Softmax cross-entropy :math:`-(1 - p_c)^\gamma \log p_c`, ``(N, K)``.

    Args:
        logits: ``(N, K)``.
        gamma: Focusing parameter; 0: plain cross-entropy.

    Examples:
        >>> softmax(torch.zeros(1, 2)).tolist()
        [[0.6931471824645996, 0.6931471824645996]]
    """
    return focused(-logits.log_softmax(1), gamma)


def margin_softmax(
    logits: Tensor,
    margins: Tensor | float = 0.0,
    scale: Tensor | float = 1.0,
    kept: Tensor | None = None,
    gamma: float = 0.0,
) -> Tensor:
    r"""Softmax cross-entropy that is harder for the label, ``(N, K)``.

    .. math::
        \ell(z, c) = \log \Bigl( 1 + \sum_{j \ne c} k_j
        e^{s_c z_j - s_c (z_c - m_c)} \Bigr)

    LDAM (arXiv 1906.07413) has margins :math:`m`, KPS
    (10.1109/TPAMI.2022.3196044) in its second stage scales :math:`s` of the
    label, equalization (arXiv 2003.05176) drops other classes by :math:`k`.
    Without any, it is :func:`softmax`.

    Args:
        logits: ``(N, K)``.
        margins: ``(K,)`` or the same for all.
        scale: ``(K,)`` or the same for all.
        kept: ``(N, K)`` bool, the classes that count as others; none: all.
        gamma: Focusing parameter.
    """
    num_classes = logits.shape[1]
    # Made on the device: a copy to it would wait.
    per_label = logits.new_ones(num_classes) * scale
    own = per_label * (logits - margins)
    # (N, K, K): for each label all others.
    others = per_label[:, None] * logits[:, None]
    dropped = torch.eye(num_classes, dtype=torch.bool, device=logits.device)
    if kept is not None:
        dropped = dropped | ~kept[:, None]
    # Not -inf, for which a row without others has no gradient.
    others = others.masked_fill(dropped, torch.finfo(logits.dtype).min)
    return focused(F.softplus(others.logsumexp(2) - own), gamma)


def _one_against_all(positive: Tensor, negative: Tensor) -> Tensor:
    """Sum of binary losses: the label's as positive, all others' as negative.

    Args:
        positive: ``(N, K)``, the loss of a class if it is the label.
        negative: ``(N, K)``, if it is not.
    """
    return negative.sum(1, keepdim=True) - negative + positive


def sigmoid(
    logits: Tensor, gamma: float = 0.0, kept: Tensor | None = None
) -> Tensor:
    r"""Binary cross-entropy of every class, summed, ``(N, K)``.

    .. math::
        \ell(z, c) = -(1 - p_c)^\gamma \log p_c
        - \sum_{j \ne c} k_j p_j^\gamma \log(1 - p_j) , \qquad
        p = \mathrm{sigmoid}(z)

    With ``gamma``, the original focal loss (arXiv 1708.02002) without its
    alpha; with ``kept``, the original equalization loss (arXiv 2003.05176).

    Args:
        logits: ``(N, K)``.
        gamma: Focusing parameter.
        kept: ``(N, K)`` bool, the classes that count as others; none: all.
    """
    if_label, if_other = F.softplus(-logits), F.softplus(logits)
    positive, negative = if_label, if_other
    if gamma:
        # exp(-softplus(z)) is 1 - p, exactly also where p is nearly 1.
        positive = (-gamma * if_other).exp() * if_label
        negative = (-gamma * if_label).exp() * if_other
    if kept is not None:
        negative = negative * kept
    return _one_against_all(positive, negative)


def binary_softmax(logits: Tensor, gamma: float = 0.0) -> Tensor:
    r"""Binary cross-entropy on softmax probabilities, ``(N, K)``.

    What the released code of weight balancing (Alshammari et al., arXiv
    2203.14197) calls the softmax form of the class-balanced loss. It is a mean
    over the classes, not a sum as :func:`sigmoid`:

    .. math::
        \ell(z, c) = -\frac{1}{K} \Bigl( \log p_c
        + \sum_{j \ne c} \log(1 - p_j) \Bigr) , \qquad
        p = \mathrm{softmax}(z)

    Args:
        logits: ``(N, K)``.
        gamma: Focusing parameter.

    Examples:
        >>> binary_softmax(torch.zeros(1, 2)).tolist()
        [[0.6931471824645996, 0.6931471824645996]]
    """
    log_p = logits.log_softmax(1)
    # Of all classes but the likeliest p is at most a half, and 1 - p safe; of
    # the likeliest it is the sum of the others' p.
    top = log_p.argmax(1, keepdim=True)
    log_rest = torch.log1p(-log_p.exp().scatter(1, top, 0))
    others = log_p.scatter(1, top, torch.finfo(log_p.dtype).min)
    log_rest = log_rest.scatter(1, top, others.logsumexp(1, keepdim=True))
    return (
        _one_against_all(focused(-log_p, gamma), focused(-log_rest, gamma))
        / logits.shape[1]
    )


def gumbel(logits: Tensor, gamma: float = 0.0) -> Tensor:
    r"""Binary cross-entropy on Gumbel's activation, ``(N, K)``.

    GOL, Alexandridis et al., arXiv 2207.10936:
    :math:`\eta(z) = \exp(-e^{-z})`, with z within :data:`GUMBEL_RANGE`, in the
    place of the sigmoid.

    Args:
        logits: ``(N, K)``.
        gamma: Focusing parameter.
    """
    hazard = (-logits.clamp(*GUMBEL_RANGE)).exp()  # -log(eta)
    other = -(-torch.expm1(-hazard)).log()
    return _one_against_all(focused(hazard, gamma), focused(other, gamma))
