"""Seeds of what a step draws."""

from mmengine.dist import get_rank
from mmengine.hooks import Hook

from ...models.heads import MixedGCNHead
from ...registry import HOOKS
from ..models import mixer_of, unwrapped


def step_seed(runner, *stream: int) -> tuple[int, ...]:
    """What a step's draws depend on: (seed, rank, iteration) and a stream."""
    return runner.seed, get_rank(), runner.iter, *stream


@HOOKS.register_module()
class MixerSeedHook(Hook):
    """Tells the mixer the seed of each step.

    So that a resumed run mixes as the uninterrupted one would have. Without a
    mixer of ours it does nothing.
    """

    def before_train(self, runner) -> None:
        """Say so if the head does not take the loss of each half."""
        mixer = mixer_of(runner.model)
        if mixer is None or mixer.output == 'mixed':
            return
        head = unwrapped(runner.model).cls_head
        if not isinstance(head, MixedGCNHead):
            runner.logger.warning(
                f'{type(head).__name__} takes one mean over clean and mixed '
                'samples: half the loss of Shap-Mix, and no accuracy in the '
                "log. Set model.cls_head.type='mmshapmix.MixedGCNHead'."
            )

    def before_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the seed of this step."""
        mixer = mixer_of(runner.model)
        if mixer is not None:
            mixer.step_seed = step_seed(runner, 0)
