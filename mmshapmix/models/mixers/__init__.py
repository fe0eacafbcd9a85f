"""Mixers: modules that add mixed samples with soft labels to a batch."""

from .base import Mixer
from .cut_mix import CutMix
from .mix_up import Mixup
from .re_mix import Remix
from .rebalanced_partial_mix import RebalancedPartialMix
from .shap_mix import ShapMix, STMix
from .skele_mix import SkeleMix
from .skeleton_mix import SkeletonMix

__all__ = [
    'CutMix',
    'Mixer',
    'Mixup',
    'RebalancedPartialMix',
    'Remix',
    'STMix',
    'ShapMix',
    'SkeleMix',
    'SkeletonMix',
]
