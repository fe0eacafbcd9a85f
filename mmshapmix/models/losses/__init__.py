"""Losses: logits, labels and class counts → a scalar."""

from .action_aware_loss import ActionAwareLoss
from .deferred_loss import DeferredLoss
from .long_tail_loss import BalancedSoftmaxLoss, LongTailLoss

__all__ = [
    'ActionAwareLoss',
    'BalancedSoftmaxLoss',
    'DeferredLoss',
    'LongTailLoss',
]
