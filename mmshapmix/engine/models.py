"""Finding parts of a runner's model."""

from mmengine.model import is_model_wrapper
from torch import nn

from ..models.mixers import Mixer


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of a distributed wrapper."""
    return model.module if is_model_wrapper(model) else model


def mixer_of(model: nn.Module) -> Mixer | None:
    """The mixer of a recognizer, wrapped or not; none if it has none."""
    preprocessor = getattr(unwrapped(model), 'data_preprocessor', None)
    mixer = getattr(preprocessor, 'blending', None)
    return mixer if isinstance(mixer, Mixer) else None
