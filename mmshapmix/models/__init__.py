"""Model parts that MMAction2 lacks."""

from .heads import CosineGCNHead, MixedGCNHead, OneVsAllGCNHead, ScaledGCNHead
from .losses import (
    ActionAwareLoss,
    BalancedSoftmaxLoss,
    DeferredLoss,
    EqualizationLoss,
    GumbelLoss,
    InfluenceBalancedLoss,
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
from .recognizers import FrozenRecognizerGCN
from .saliency import CoalitionValues, GradCAM, MarginalContributions

__all__ = [
    'ActionAwareLoss',
    'BalancedSoftmaxLoss',
    'CoalitionValues',
    'CosineGCNHead',
    'CutMix',
    'DeferredLoss',
    'EqualizationLoss',
    'FrozenRecognizerGCN',
    'GradCAM',
    'GumbelLoss',
    'InfluenceBalancedLoss',
    'KPSLoss',
    'LDAMLoss',
    'LongTailLoss',
    'MarginalContributions',
    'MixedGCNHead',
    'Mixup',
    'OneVsAllGCNHead',
    'RebalancedPartialMix',
    'Remix',
    'STMix',
    'ScaledGCNHead',
    'ShapMix',
    'SkeleMix',
    'SkeletonMix',
]
