"""Backbones that MMAction2 lacks: ``(N, M, T, V, C)`` skeletons in."""

from .ctrgcn import CTRGCN

__all__ = ['CTRGCN']
