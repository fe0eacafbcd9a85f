"""Losses: logits, labels and class counts → a scalar."""

from .action_aware_loss import ActionAwareLoss
from .deferred_loss import DeferredLoss
from .gumbel_loss import GumbelLoss
from .kps_loss import KPSLoss
from .ldam_loss import LDAMLoss
from .long_tail_loss import BalancedSoftmaxLoss, LongTailLoss

__all__ = [
    'ActionAwareLoss',
    'BalancedSoftmaxLoss',
    'DeferredLoss',
    'GumbelLoss',
    'KPSLoss',
    'LDAMLoss',
    'LongTailLoss',
]
