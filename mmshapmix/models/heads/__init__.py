"""Heads that MMAction2 lacks."""

from .cosine_gcn_head import CosineGCNHead
from .infogcn_head import InfoGCNHead
from .mixed_gcn_head import MixedGCNHead
from .one_vs_all_gcn_head import OneVsAllGCNHead
from .scaled_gcn_head import ScaledGCNHead

__all__ = [
    'CosineGCNHead',
    'InfoGCNHead',
    'MixedGCNHead',
    'OneVsAllGCNHead',
    'ScaledGCNHead',
]
