r"""Criteria: the loss of every possible label.

A criterion turns the logits of N samples into a table ``(N, K)``: entry
:math:`\ell(z_i, c)` is the loss of sample i if its label is class c. No
criterion sees the labels themselves, so each works with hard and with soft
labels; :func:`~mmshapmix.functional.losses.weigh_labels` adds the labels and
the class weights.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

GUMBEL_RANGE = (-4.0, 10.0)
"""Range to which :func:`gumbel` clamps logits, as in the released code."""


def focused(table: Tensor, gamma: float) -> Tensor:
    r"""Focal loss :math:`(1 - p)^\gamma \ell`, where :math:`p = e^{-\ell}`.

    Lin et al., arXiv 1708.02002, Eq. (4), in its softmax form.

    Args:
        table: ``(N, K)``, from a criterion that is the negative log of a
            probability.
        gamma: Focusing parameter; 0 leaves the table unchanged.
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
    r"""Softmax cross-entropy with margins and scales of classes, ``(N, K)``.

    .. math::
        \ell(z, c) = \log \Bigl( 1 + \sum_{j \ne c} k_j
        e^{s_c z_j - s_c (z_c - m_c)} \Bigr)

    LDAM (arXiv 1906.07413) uses the margins :math:`m`; KPS
    (10.1109/TPAMI.2022.3196044), in its second stage, also the scale :math:`s`
    of the label's class; the equalization loss (arXiv 2003.05176) drops other
    classes by :math:`k`. With the defaults this equals :func:`softmax`.

    Args:
        logits: ``(N, K)``.
        margins: ``(K,)``, or one number for all classes.
        scale: ``(K,)``, or one number for all classes.
        kept: ``(N, K)`` bool, :math:`k`: the classes that count among the
            others; ``None``: all.
        gamma: Focusing parameter.
    """
    num_classes = logits.shape[1]
    # Made on the logits' device: a copy from the CPU would synchronise.
    per_label = logits.new_ones(num_classes) * scale
    own = per_label * (logits - margins)
    # (N, K, K): for each possible label, the logits of all classes.
    others = per_label[:, None] * logits[:, None]
    dropped = torch.eye(num_classes, dtype=torch.bool, device=logits.device)
    if kept is not None:
        dropped = dropped | ~kept[:, None]
    # Not -inf: with no other class left, the gradient would be undefined.
    others = others.masked_fill(dropped, torch.finfo(logits.dtype).min)
    return focused(F.softplus(others.logsumexp(2) - own), gamma)


def _one_against_all(positive: Tensor, negative: Tensor) -> Tensor:
    """Sum the binary losses: the label as positive, all others as negative.

    Args:
        positive: ``(N, K)``, the loss of a class if it is the label.
        negative: ``(N, K)``, the loss of a class if it is not the label.
    """
    return negative.sum(1, keepdim=True) - negative + positive


def sigmoid(
    logits: Tensor, gamma: float = 0.0, kept: Tensor | None = None
) -> Tensor:
    r"""Binary cross-entropy, summed over the classes, ``(N, K)``.

    .. math::
        \ell(z, c) = -(1 - p_c)^\gamma \log p_c
        - \sum_{j \ne c} k_j p_j^\gamma \log(1 - p_j) , \qquad
        p = \mathrm{sigmoid}(z)

    With ``gamma``, the original focal loss (arXiv 1708.02002) without its
    alpha; with ``kept``, the original equalization loss (arXiv 2003.05176).

    Args:
        logits: ``(N, K)``.
        gamma: Focusing parameter.
        kept: ``(N, K)`` bool, :math:`k`: the classes that count among the
            others; ``None``: all.
    """
    if_label, if_other = F.softplus(-logits), F.softplus(logits)
    positive, negative = if_label, if_other
    if gamma:
        # exp(-softplus(z)) is 1 - p, and stays accurate where p is nearly 1.
        positive = (-gamma * if_other).exp() * if_label
        negative = (-gamma * if_label).exp() * if_other
    if kept is not None:
        negative = negative * kept
    return _one_against_all(positive, negative)


def binary_softmax(logits: Tensor, gamma: float = 0.0) -> Tensor:
    r"""Binary cross-entropy on softmax probabilities, ``(N, K)``.

    The released code of weight balancing (Alshammari et al., arXiv 2203.14197)
    calls this the softmax form of the class-balanced loss. It is a mean over
    the classes, not a sum like :func:`sigmoid`:

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
    # For every class but the likeliest, p is at most 1/2 and log(1 - p) is
    # accurate; for the likeliest class, 1 - p is the sum of the others' p.
    top = log_p.argmax(1, keepdim=True)
    log_rest = torch.log1p(-log_p.exp().scatter(1, top, 0))
    others = log_p.scatter(1, top, torch.finfo(log_p.dtype).min)
    log_rest = log_rest.scatter(1, top, others.logsumexp(1, keepdim=True))
    return (
        _one_against_all(focused(-log_p, gamma), focused(-log_rest, gamma))
        / logits.shape[1]
    )


def gumbel(logits: Tensor, gamma: float = 0.0) -> Tensor:
    r"""Binary cross-entropy with the Gumbel activation, ``(N, K)``.

    GOL, Alexandridis et al., arXiv 2207.10936:
    :math:`\eta(z) = \exp(-e^{-z})`, with z clamped to :data:`GUMBEL_RANGE`,
    instead of the sigmoid.

    Args:
        logits: ``(N, K)``.
        gamma: Focusing parameter.
    """
    hazard = (-logits.clamp(*GUMBEL_RANGE)).exp()  # -log(eta)
    other = -(-torch.expm1(-hazard)).log()
    return _one_against_all(focused(hazard, gamma), focused(other, gamma))
