"""Recognizers that MMAction2 lacks."""

from .frozen_recognizer_gcn import FrozenRecognizerGCN

__all__ = ['FrozenRecognizerGCN']
