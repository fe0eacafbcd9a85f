"""Mixers: modules that add mixed samples with soft labels to a batch."""

from .base import Mixer
from .cutmix import CutMix
from .mixup import Mixup
from .rebalanced_partial_mix import RebalancedPartialMix
from .remix import Remix
from .shapmix import ShapMix, STMix
from .skelemix import SkeleMix
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
