"""Heads, where no stock one fits."""

from .mixed_gcn_head import MixedGCNHead

__all__ = ['MixedGCNHead']
