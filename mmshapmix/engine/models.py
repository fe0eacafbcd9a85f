"""Access to parts of a runner's model, and to the state of a runner."""

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop
from torch import nn

from ..datasets import get_class_counts, get_data_layout
from ..models.mixers import Mixer


def unwrapped(model: nn.Module) -> Any:
    """Return the model without a distributed wrapper.

    The type is ``Any``, since attributes of a module have no type.
    """
    return model.module if is_model_wrapper(model) else model


def mixer_of(model: nn.Module) -> Mixer | None:
    """Return the mixer of a recognizer, wrapped or not, or ``None``."""
    preprocessor = getattr(unwrapped(model), 'data_preprocessor', None)
    mixer = getattr(preprocessor, 'blending', None)
    return mixer if isinstance(mixer, Mixer) else None


def tell_data(mixer: Mixer, dataset: Any) -> None:
    """Tell a mixer the number of classes and the layout of its data.

    Raises:
        ValueError: If neither the data nor the mixer has a layout, or if the
            mixer was given other values before.
    """
    layout = get_data_layout(dataset) or mixer.layout
    if layout is None:
        raise ValueError(
            'Expected a layout in the training data, or in the mixer with '
            '`num_classes`, but neither has one. Set `layout` of '
            'mmshapmix.LongTailPoseDataset.'
        )
    mixer.set_data(len(get_class_counts(dataset)), layout)


def is_training(runner) -> bool:
    """Return whether a runner trains, and not only tests or validates.

    MMEngine builds the training loop right before the training begins.
    """
    return isinstance(runner._train_loop, BaseLoop)


def loaded_from(runner) -> str:
    """Describe the checkpoint that is being loaded, for messages."""
    return runner._load_from or f'the latest one in {runner.work_dir}'
