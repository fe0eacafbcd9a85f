"""Model parts that MMAction2 lacks."""

from .heads import CosineGCNHead, MixedGCNHead
from .losses import (
    ActionAwareLoss,
    BalancedSoftmaxLoss,
    DeferredLoss,
    GumbelLoss,
    KPSLoss,
    LDAMLoss,
    LongTailLoss,
)
from .mixers import (
    CutMix,
    Mixup,
    RebalancedPartialMix,
    Remix,
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
    'CosineGCNHead',
    'CutMix',
    'DeferredLoss',
    'GradCAM',
    'GumbelLoss',
    'KPSLoss',
    'LDAMLoss',
    'LongTailLoss',
    'MarginalContributions',
    'MixedGCNHead',
    'Mixup',
    'RebalancedPartialMix',
    'Remix',
    'STMix',
    'ShapMix',
    'SkeleMix',
    'SkeletonMix',
]
