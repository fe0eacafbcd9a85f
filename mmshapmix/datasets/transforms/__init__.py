"""Transforms: one annotation → one network input, for every layout."""

from .features import GenSkeFeat
from .normalize import MinMaxNormalize, PreNormalize3D
from .resize_crop import ResizeCrop
from .rotate import RandomRotate
from .sampling import SortedSampleFrames

__all__ = [
    'GenSkeFeat',
    'MinMaxNormalize',
    'PreNormalize3D',
    'RandomRotate',
    'ResizeCrop',
    'SortedSampleFrames',
]
