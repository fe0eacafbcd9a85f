"""Action-aware loss of BRL, Liu et al., arXiv 2308.14024."""

from ...registry import MODELS
from .long_tail_loss import LongTailLoss


@MODELS.register_module()
class ActionAwareLoss(LongTailLoss):
    """Action-aware loss, Eq. (7) to (10), with the measured class counts.

    BRL's detached action-aware learning schedule uses this as the late loss of
    :class:`~.deferred_loss.DeferredLoss`.

    Args:
        upsilon: Smallest beta of Eq. (7).
        lam: The lambda of Eq. (7), the difference of the largest and the
            smallest beta: 0.0099 in the paper. ``None``: from the imbalance
            ratio, which gives the paper's value at a ratio of 100 and equal
            weights towards a ratio of 1, see
            :func:`~mmshapmix.functional.class_weights.action_aware`.
        reduction: ``'weighted_mean'``, as in the released code, or ``'mean'``,
            Eq. (10) literally, whose values are 6 to 580 times smaller than
            cross-entropy on NTU60-LT.
        loss_weight: Factor on the loss.
    """

    def __init__(
        self,
        upsilon: float = 0.99,
        lam: float | None = None,
        reduction: str = 'weighted_mean',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(
            class_weight=dict(scheme='action_aware', upsilon=upsilon, lam=lam),
            reduction=reduction,
            loss_weight=loss_weight,
        )
