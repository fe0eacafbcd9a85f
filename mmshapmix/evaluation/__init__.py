"""Metrics: long-tailed accuracy by shot group and class, and dumped scores."""

from .dump_scores import DumpScores
from .long_tail_metric import LongTailMetric

__all__ = ['DumpScores', 'LongTailMetric']
