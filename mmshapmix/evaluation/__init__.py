"""Metrics: scores → overall, many / medium / few, per class."""

from .long_tail_metric import LongTailMetric

__all__ = ['LongTailMetric']
