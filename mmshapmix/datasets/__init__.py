"""Data: annotations, the long-tailed data set, samplers and transforms."""

from .labels import get_cat_ids, get_class_counts, get_labels
from .longtail_pose_dataset import LongTailPoseDataset
from .samplers import (
    ClassBalancedSampler,
    ProgressiveSampler,
    ReverseFrequencySampler,
    ShuffleSampler,
)

__all__ = [
    'ClassBalancedSampler',
    'LongTailPoseDataset',
    'ProgressiveSampler',
    'ReverseFrequencySampler',
    'ShuffleSampler',
    'get_cat_ids',
    'get_class_counts',
    'get_labels',
]
