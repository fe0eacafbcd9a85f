"""Catching up on an interrupted validation."""

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from ...registry import HOOKS
from ..saving import VALIDATED, step_of


@HOOKS.register_module()
class MissedValidationHook(Hook):
    """Runs a missed validation before a resumed training continues.

    A checkpoint is saved before the validation of its epoch. If a run is
    killed in between, MMEngine continues with the next epoch, or ends.
    """

    # After all other hooks, so that everything is ready, as after an epoch.
    priority = 'LOWEST'

    def before_train(self, runner) -> None:
        """Validate, if a validation is due at this step and was missed."""
        loop, step = runner.train_loop, step_of(runner)
        if step == 0 or not self._is_due(runner, step):
            return
        if runner.message_hub.get_info(VALIDATED) != step:
            kind = 'epoch' if loop.epoch == step else 'iteration'
            runner.logger.info(
                f'The checkpoint has no validation after {kind} {step}: '
                'it is run now'
            )
            runner.val_loop.run()

    @staticmethod
    def _is_due(runner, step: int) -> bool:
        loop = runner.train_loop
        known = isinstance(loop, EpochBasedTrainLoop | IterBasedTrainLoop)
        if not known or runner.val_loop is None or step < loop.val_begin:
            return False
        loop._decide_current_val_interval()
        by_iteration = isinstance(loop, IterBasedTrainLoop)
        end = loop.max_iters if by_iteration else loop.max_epochs
        return step % loop.val_interval == 0 or step == end
