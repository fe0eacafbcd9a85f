"""Seeds of what a step draws."""

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from torch import nn

from ...models.heads import MixedGCNHead
from ...registry import HOOKS
from ..models import mixer_of, unwrapped


def step_seed(runner, module: nn.Module) -> tuple[int, ...]:
    """What a module's draws of a step depend on.

    Args:
        runner: The runner, in a step of training.
        module: Its class has a ``draw_stream``, a number of its own, so that
            no two kinds of modules draw the same.

    Returns:
        (seed, rank, iteration, stream).
    """
    return runner.seed, get_rank(), runner.iter, module.draw_stream


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Tells the modules that draw, mixers and losses, the seed of each step.

    So that a resumed run draws as the uninterrupted one would have. These are
    all modules of the model that have an attribute ``step_seed``; without any
    it does nothing.
    """

    def before_train(self, runner) -> None:
        """Find the modules; say so if the head does not know halves."""
        self.modules = [
            module
            for module in unwrapped(runner.model).modules()
            if hasattr(module, 'step_seed')
        ]
        self._check_head(runner)

    def _check_head(self, runner) -> None:
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
        """Set the seeds of this step."""
        for module in self.modules:
            module.step_seed = step_seed(runner, module)
