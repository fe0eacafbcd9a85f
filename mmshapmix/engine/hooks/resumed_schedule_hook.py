"""Learning-rate schedules of a training resumed with other settings."""

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from ...registry import HOOKS
from .deferred_loss_hook import DeferredLossHook

PROGRESS = {
    '_global_step',
    '_last_value',
    'best',
    'cooldown_counter',
    'last_step',
    'num_bad_epochs',
    'verbose',
}
"""Keys of a scheduler's state that change in its steps."""


@HOOKS.register_module()
class ResumedScheduleHook(Hook):
    """Gives a resumed training the schedules of its config.

    MMEngine restores schedulers with their former end, period and initial
    rate: with more epochs the rate freezes, and with other batch sizes it is
    wrong. If the schedulers of the config differ from those of the checkpoint,
    this hook steps those of the config up to the present iteration: the rates
    are then those of a training that had these settings from the beginning.
    Without a difference, nothing is changed.
    """

    # Before all hooks that use the iteration.
    priority = 'HIGHEST'

    def __init__(self) -> None:
        self.planned: list[dict] | None = None

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Remove functions from the schedulers' states.

        The state of OneCycleLR contains a function, with which a checkpoint
        cannot be read with ``weights_only=True``.
        """
        for state in _flat(checkpoint.get('param_schedulers')):
            for key in [k for k, value in state.items() if callable(value)]:
                del state[key]

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Keep the schedules and settings of the config and the checkpoint."""
        if not isinstance(runner.optim_wrapper, OptimWrapper):
            return  # without a training, MMEngine builds no optimizer
        self.planned = [
            copy.deepcopy(scheduler.state_dict())
            for scheduler in _flat(runner.param_schedulers)
        ]
        self.settings = [_settings(group) for group in _groups(runner)]
        saved = checkpoint.get('param_schedulers')
        self.saved = copy.deepcopy(_flat(saved))
        self.has_rates = 'optimizer' in checkpoint

    def before_train(self, runner) -> None:
        """Replace the schedules, if those of the config differ.

        Raises:
            ValueError: If the checkpoint is beyond the end of the training, or
                if settings differ and the rate depends on metrics.
        """
        planned = self.planned
        if planned is None or runner.epoch == runner.iter == 0:
            return
        self._check_length(runner.train_loop)
        moved = self._count_by_epochs(runner)
        schedulers = _flat(runner.param_schedulers)
        if not moved and not self._differs(runner, planned):
            return
        if any(hasattr(s, 'need_val_args') for s in schedulers):
            raise ValueError(
                'Expected the schedules and the length of the training as in '
                'the checkpoint, since the rate follows the metrics there and '
                'cannot be computed anew. Set them as they were; or start '
                'from the weights alone, by --load-from and not --resume.'
            )
        self._replay(runner, schedulers, planned)
        runner.logger.warning(
            'The schedules or the length of the training differ from those '
            'of the checkpoint. The rates are now those of a training with '
            'the new settings from the beginning: '
            f'{runner.optim_wrapper.get_lr()} at iteration {runner.iter}.'
        )

    @staticmethod
    def _check_length(loop: BaseLoop) -> None:
        if isinstance(loop, IterBasedTrainLoop):
            name, reached, end = 'max_iters', loop.iter, loop.max_iters
        else:
            name, reached, end = 'max_epochs', loop.epoch, loop.max_epochs
        if reached > end:
            raise ValueError(
                f'Expected {name} of at least {reached}, which the checkpoint '
                f'has reached, but got {end}. Set more, or resume from an '
                'earlier one.'
            )

    @staticmethod
    def _count_by_epochs(runner) -> bool:
        """Recompute the iteration from the epoch, if epochs differ in length.

        Returns:
            Whether the iteration has changed.
        """
        loop = runner.train_loop
        if isinstance(loop, IterBasedTrainLoop):
            return False
        iteration = loop.epoch * len(loop.dataloader)
        if iteration == loop.iter:
            return False
        runner.logger.warning(
            f'Iteration {loop.iter} of the checkpoint is taken as '
            f'{iteration}: the end of epoch {loop.epoch}, of '
            f'{len(loop.dataloader)} iterations each.'
        )
        loop._iter = iteration
        runner.optim_wrapper.initialize_count_status(
            runner.model, iteration, loop.max_iters
        )
        return True

    def _differs(self, runner, planned: list[dict]) -> bool:
        """Return whether schedules or settings of the checkpoint differ."""
        if not self.has_rates or len(self.saved) != len(planned):
            return True
        varying = {'lr', *(state['param_name'] for state in planned)}
        if 'momentum' in varying:
            varying.add('betas')  # Adam's
        now = [_settings(group) for group in _groups(runner)]
        return any(
            _disagree(*pair, but=PROGRESS)
            for pair in zip(planned, self.saved, strict=True)
        ) or any(
            _disagree(*pair, but=varying)
            for pair in zip(self.settings, now, strict=True)
        )

    def _replay(
        self,
        runner,
        schedulers: list[_ParamScheduler],
        planned: list[dict],
    ) -> None:
        """Repeat all steps of the schedulers, up to the present iteration."""
        for group, settings in zip(
            _groups(runner), self.settings, strict=True
        ):
            group.update(settings)
        for scheduler, state in zip(schedulers, planned, strict=True):
            optimizer = scheduler.optimizer
            optimizer._global_step = 0  # otherwise the schedulers warn
            vars(scheduler).clear()
            vars(scheduler).update(state, optimizer=optimizer)
        loop = runner.train_loop
        by_iteration = isinstance(loop, IterBasedTrainLoop)
        length = loop.max_iters + 1 if by_iteration else len(loop.dataloader)
        deferred = {
            hook.first_iteration(runner): hook
            for hook in runner.hooks
            if isinstance(hook, DeferredLossHook)
        }
        # As in ParamSchedulerHook, schedulers by epoch step last.
        by_iter = [s for s in schedulers if not s.by_epoch]
        all_in_order = by_iter + [s for s in schedulers if s.by_epoch]
        for iteration in range(loop.iter):
            if iteration in deferred:
                deferred[iteration].scale_rates(runner)
            ends_epoch = (iteration + 1) % length == 0
            for scheduler in all_in_order if ends_epoch else by_iter:
                scheduler.step()


def _flat(parts: Any) -> list[Any]:
    """List the schedulers, or their states, of one or several optimizers."""
    if isinstance(parts, Mapping):
        return [part for some in parts.values() for part in some]
    return list(parts or [])


def _groups(runner) -> list[dict]:
    """List the parameter groups of all optimizers."""
    wrapper = runner.optim_wrapper
    several = isinstance(wrapper, OptimWrapperDict)
    wrappers = wrapper.values() if several else [wrapper]
    return [group for one in wrappers for group in one.param_groups]


def _settings(group: dict) -> dict[str, Any]:
    """Settings of a parameter group: all entries except the parameters."""
    return {key: value for key, value in group.items() if key != 'params'}


def _disagree(one: dict, other: dict, but: set[str]) -> bool:
    """Return whether two dicts differ in a key that both have."""
    return any(
        one[key] != other[key]
        for key in one.keys() & other.keys() - but
        if not callable(one[key])
    )
