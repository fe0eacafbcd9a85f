"""Seeds of what a step draws."""

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn

from ...models.mixers import Mixer
from ...registry import HOOKS


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of a distributed wrapper."""
    return model.module if is_model_wrapper(model) else model


def mixer_of(model: nn.Module) -> Mixer | None:
    """The mixer of a recognizer, wrapped or not; none if it has none."""
    preprocessor = getattr(unwrapped(model), 'data_preprocessor', None)
    mixer = getattr(preprocessor, 'blending', None)
    return mixer if isinstance(mixer, Mixer) else None


def step_seed(runner, *stream: int) -> tuple[int, ...]:
    """What a step's draws depend on: (seed, rank, iteration) and a stream."""
    return runner.seed, get_rank(), runner.iter, *stream


@HOOKS.register_module()
class MixerSeedHook(Hook):
    """Tells the mixer the seed of each step.

    So that a resumed run mixes as the uninterrupted one would have. Without a
    mixer of ours it does nothing.
    """

    def before_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the seed of this step."""
        mixer = mixer_of(runner.model)
        if mixer is not None:
            mixer.step_seed = step_seed(runner, 0)
