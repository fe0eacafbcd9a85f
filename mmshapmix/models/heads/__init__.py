"""Heads, where no stock one fits."""

from .cosine_gcn_head import CosineGCNHead
from .mixed_gcn_head import MixedGCNHead

__all__ = ['CosineGCNHead', 'MixedGCNHead']
