"""Model parts that MMAction2 lacks."""

from .losses import BalancedSoftmaxLoss, LongTailLoss

__all__ = ['BalancedSoftmaxLoss', 'LongTailLoss']
