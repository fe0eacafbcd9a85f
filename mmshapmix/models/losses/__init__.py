"""Losses: modules from logits, labels and class counts to a scalar."""

from .action_aware_loss import ActionAwareLoss
from .deferred_loss import DeferredLoss
from .equalization_loss import EqualizationLoss
from .gumbel_loss import GumbelLoss
from .influence_balanced_loss import InfluenceBalancedLoss
from .kps_loss import KPSLoss
from .ldam_loss import LDAMLoss
from .long_tail_loss import BalancedSoftmaxLoss, LongTailLoss

__all__ = [
    'ActionAwareLoss',
    'BalancedSoftmaxLoss',
    'DeferredLoss',
    'EqualizationLoss',
    'GumbelLoss',
    'InfluenceBalancedLoss',
    'KPSLoss',
    'LDAMLoss',
    'LongTailLoss',
]
