"""Finding parts of a runner's model, and what the runner is about."""

from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop
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


def is_training(runner) -> bool:
    """Whether it trains, and not only tests or validates.

    MMEngine builds the loop of the training right before it begins.
    """
    return isinstance(runner._train_loop, BaseLoop)


def loaded_from(runner) -> str:
    """Where the checkpoint is from that is being loaded, for messages."""
    return runner._load_from or f'the latest one in {runner.work_dir}'
