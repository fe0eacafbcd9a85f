"""Saliency estimators: from a model and batches to a class-wise table."""

from .base import SaliencyEstimator
from .grad_cam import GradCAM
from .shapley import (
    CoalitionValues,
    MarginalContributions,
    ShapleyEstimator,
)

__all__ = [
    'CoalitionValues',
    'GradCAM',
    'MarginalContributions',
    'SaliencyEstimator',
    'ShapleyEstimator',
]
