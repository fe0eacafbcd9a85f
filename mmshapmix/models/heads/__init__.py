"""Heads, where no stock one fits."""

from .cosine_gcn_head import CosineGCNHead
from .gumbel_gcn_head import GumbelGCNHead
from .mixed_gcn_head import MixedGCNHead
from .scaled_gcn_head import ScaledGCNHead

__all__ = ['CosineGCNHead', 'GumbelGCNHead', 'MixedGCNHead', 'ScaledGCNHead']
