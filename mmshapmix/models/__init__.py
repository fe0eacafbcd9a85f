"""Model parts that MMAction2 lacks."""

from .heads import MixedGCNHead
from .losses import (
    ActionAwareLoss,
    BalancedSoftmaxLoss,
    DeferredLoss,
    LongTailLoss,
)
from .mixers import (
    CutMix,
    Mixup,
    RebalancedPartialMix,
    ShapMix,
    SkeleMix,
    SkeletonMix,
    STMix,
)
from .saliency import CoalitionValues, GradCAM, MarginalContributions

__all__ = [
    'ActionAwareLoss',
    'BalancedSoftmaxLoss',
    'CoalitionValues',
    'CutMix',
    'DeferredLoss',
    'GradCAM',
    'LongTailLoss',
    'MarginalContributions',
    'MixedGCNHead',
    'Mixup',
    'RebalancedPartialMix',
    'STMix',
    'ShapMix',
    'SkeleMix',
    'SkeletonMix',
]
