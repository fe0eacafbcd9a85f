"""Losses: logits, labels and class counts → a scalar."""

from .long_tail_loss import BalancedSoftmaxLoss, LongTailLoss

__all__ = ['BalancedSoftmaxLoss', 'LongTailLoss']
