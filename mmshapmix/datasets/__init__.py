"""Annotations, the long-tailed data set, samplers and transforms."""

from ..compat import count_frames_in_int
from .labels import (
    get_class_counts,
    get_data_layout,
    get_labels,
    lacks_labels,
    shared_names,
)
from .longtail_pose_dataset import LongTailPoseDataset
from .samplers import (
    ClassBalancedSampler,
    ProgressiveSampler,
    ReverseFrequencySampler,
    ShuffleSampler,
)

count_frames_in_int()

__all__ = [
    'ClassBalancedSampler',
    'LongTailPoseDataset',
    'ProgressiveSampler',
    'ReverseFrequencySampler',
    'ShuffleSampler',
    'get_class_counts',
    'get_data_layout',
    'get_labels',
    'lacks_labels',
    'shared_names',
]
