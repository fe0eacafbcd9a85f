"""Hooks: whatever needs the runner."""

from .class_counts_hook import ClassCountsHook
from .per_class_table_hook import PerClassTableHook
from .sampler_seed_hook import SamplerSeedHook

__all__ = ['ClassCountsHook', 'PerClassTableHook', 'SamplerSeedHook']
