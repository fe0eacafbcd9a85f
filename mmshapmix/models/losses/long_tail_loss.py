"""Softmax and binary cross-entropy for long tails."""

from torch import Tensor

from ...functional import criteria
from ...functional.checks import check_choice
from ...registry import MODELS
from .base import ComposedLoss

CRITERIA = {
    'softmax': criteria.softmax,
    'sigmoid': criteria.sigmoid,
    'binary-softmax': criteria.binary_softmax,
}


@MODELS.register_module()
class LongTailLoss(ComposedLoss):
    """Cross-entropy with logit adjustment, focusing and class weights.

    Args:
        criterion: ``'softmax'``; ``'sigmoid'``: the sum of the classes' binary
            cross-entropies, as in the original focal loss; or
            ``'binary-softmax'``: their mean on softmax probabilities, as in
            the released code of weight balancing.
        **kwargs: Arguments of :class:`~.base.ComposedLoss`.
    """

    def __init__(self, criterion: str = 'softmax', **kwargs) -> None:
        super().__init__(**kwargs)
        check_choice('criterion', criterion, tuple(CRITERIA))
        self.criterion = criterion

    def label_losses(self, logits: Tensor) -> Tensor:
        """Loss of each label, ``(N, K)``, from ``(N, K)`` logits."""
        return CRITERIA[self.criterion](logits, self.gamma)


@MODELS.register_module()
class BalancedSoftmaxLoss(LongTailLoss):
    """Balanced softmax, Ren et al., arXiv 2007.10740, Eq. (3).

    The loss equals logit adjustment (arXiv 2007.07314) with ``tau=1``.

    Args:
        loss_weight: Factor on the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__(tau=1.0, loss_weight=loss_weight)
