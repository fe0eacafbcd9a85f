"""Hooks: whatever needs the runner."""

from .class_counts_hook import ClassCountsHook
from .deferred_loss_hook import DeferredLossHook
from .mixer_seed_hook import MixerSeedHook
from .per_class_table_hook import PerClassTableHook
from .saliency_hook import SaliencyHook
from .sampler_seed_hook import SamplerSeedHook

__all__ = [
    'ClassCountsHook',
    'DeferredLossHook',
    'MixerSeedHook',
    'PerClassTableHook',
    'SaliencyHook',
    'SamplerSeedHook',
]
