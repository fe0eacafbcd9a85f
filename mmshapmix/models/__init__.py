"""Model parts that MMAction2 lacks."""

from .heads import MixedGCNHead
from .losses import BalancedSoftmaxLoss, LongTailLoss
from .mixers import CutMix, Mixup, ShapMix, SkeleMix, SkeletonMix, STMix
from .saliency import CoalitionValues, GradCAM, MarginalContributions

__all__ = [
    'BalancedSoftmaxLoss',
    'CoalitionValues',
    'CutMix',
    'GradCAM',
    'LongTailLoss',
    'MarginalContributions',
    'MixedGCNHead',
    'Mixup',
    'STMix',
    'ShapMix',
    'SkeleMix',
    'SkeletonMix',
]
