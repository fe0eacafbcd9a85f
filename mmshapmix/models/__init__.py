"""Model parts that MMAction2 lacks: backbones, heads, losses and mixers."""

from .backbones import CTRGCN, DGSTGCN, HDGCN, MSG3D, InfoGCN
from .estimators import CoalitionValues, GradCAM, MarginalContributions
from .heads import (
    CosineGCNHead,
    InfoGCNHead,
    MixedGCNHead,
    OneVsAllGCNHead,
    ScaledGCNHead,
)
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

__all__ = [
    'ActionAwareLoss',
    'BalancedSoftmaxLoss',
    'CTRGCN',
    'CoalitionValues',
    'CosineGCNHead',
    'CutMix',
    'DGSTGCN',
    'DeferredLoss',
    'EqualizationLoss',
    'FrozenRecognizerGCN',
    'GradCAM',
    'GumbelLoss',
    'HDGCN',
    'InfluenceBalancedLoss',
    'InfoGCN',
    'InfoGCNHead',
    'KPSLoss',
    'LDAMLoss',
    'LongTailLoss',
    'MSG3D',
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
