"""Metrics: scores → overall, many / medium / few, per class; a dump."""

from .dump_scores import DumpScores
from .long_tail_metric import LongTailMetric

__all__ = ['DumpScores', 'LongTailMetric']
