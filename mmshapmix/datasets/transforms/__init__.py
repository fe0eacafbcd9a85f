"""Pipeline transforms of one annotation, for every layout."""

from .features import GenSkeFeat
from .filters import GaussianBlur, GaussianNoise
from .hide_invisible import HideInvisible
from .normalize import MinMaxNormalize, PreNormalize2D, PreNormalize3D
from .resize_crop import ResizeCrop
from .sampling import SortedSampleFrames
from .spatial import (
    RandomAxisMask,
    RandomFlip,
    RandomPartDrop,
    RandomRotate,
    RandomScale,
    RandomShear,
    RandomSwapSides,
)
from .temporal import (
    RandomTemporalCrop,
    RandomTemporalFlip,
    RandomTemporalShift,
)

__all__ = [
    'GaussianBlur',
    'GaussianNoise',
    'GenSkeFeat',
    'HideInvisible',
    'MinMaxNormalize',
    'PreNormalize2D',
    'PreNormalize3D',
    'RandomAxisMask',
    'RandomFlip',
    'RandomPartDrop',
    'RandomRotate',
    'RandomScale',
    'RandomShear',
    'RandomSwapSides',
    'RandomTemporalCrop',
    'RandomTemporalFlip',
    'RandomTemporalShift',
    'ResizeCrop',
    'SortedSampleFrames',
]
