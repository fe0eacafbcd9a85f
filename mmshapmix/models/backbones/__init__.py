"""Backbones that MMAction2 lacks, for ``(N, M, T, V, C)`` skeletons."""

from .ctrgcn import CTRGCN
from .dgstgcn import DGSTGCN
from .hdgcn import HDGCN
from .infogcn import InfoGCN
from .msg3d import MSG3D

__all__ = ['CTRGCN', 'DGSTGCN', 'HDGCN', 'InfoGCN', 'MSG3D']
