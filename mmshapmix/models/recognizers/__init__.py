"""Recognizers, where no stock one fits."""

from .frozen_recognizer_gcn import FrozenRecognizerGCN

__all__ = ['FrozenRecognizerGCN']
