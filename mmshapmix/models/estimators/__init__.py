"""Estimators of saliency: model and batch → a class-wise table."""

from .base import SaliencyEstimator
from .gradcam import GradCAM
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
