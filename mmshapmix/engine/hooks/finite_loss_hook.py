"""The end of a training whose loss is not finite."""

import math

import torch
from mmengine.hooks import Hook

from ...registry import HOOKS
from ..checkpoints import checkpoints_in
from ..models import unwrapped


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends a training whose loss is not finite, and saves no such weights.

    The hook checks the losses of each iteration as MMEngine has logged them,
    which needs no additional GPU synchronisation, and the weights before they
    are saved.

    A gradient scaler (``--amp`` with float16) skips the step of a loss that is
    not finite, so that single ones do no harm.

    Args:
        patience: Number of such losses in a row that ends a training with a
            gradient scaler.
    """

    # After RuntimeInfoHook, which logs; before the hooks that save.
    priority = 'ABOVE_NORMAL'

    def __init__(self, patience: int = 20) -> None:
        self.patience = patience
        self.in_a_row = 0

    def after_train_iter(
        self,
        runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Check the losses.

        Raises:
            ValueError: If a loss is not finite. The message names the loss,
                the iteration, and the last good checkpoint.
        """
        wrong = {
            name: value
            for name, value in self._losses(runner, outputs or {})
            if not math.isfinite(value)
        }
        self.in_a_row = self.in_a_row + 1 if wrong else 0
        if not wrong or (self._skips(runner) and self._may_go_on(runner)):
            return
        values = ', '.join(f'{name} {value}' for name, value in wrong.items())
        raise ValueError(
            f'Expected finite losses, but got {values} in iteration '
            f'{runner.iter + 1}, epoch {runner.epoch + 1}. '
            f'{self._remedy(runner)}'
        )

    @staticmethod
    def _losses(runner, outputs: dict) -> list[tuple[str, float]]:
        """Values of the losses that are summed, and of their sum."""
        logged = runner.message_hub.log_scalars
        return [
            (name, logged[f'train/{name}'].current())
            if f'train/{name}' in logged
            else (name, float(value))
            for name, value in outputs.items()
            if 'loss' in name
        ]

    @staticmethod
    def _skips(runner) -> bool:
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        return scaler is not None and scaler.is_enabled()

    def _may_go_on(self, runner) -> bool:
        if self.in_a_row == 1:
            runner.logger.warning(
                f'The loss of iteration {runner.iter + 1} is not finite: the '
                'gradient scaler leaves this step out.'
            )
        return self.in_a_row < self.patience

    @staticmethod
    def _remedy(runner) -> str:
        found = [p[0] for p in checkpoints_in(runner.work_dir).values()]
        last = f'{found[0]}, which stays' if found else 'none: there is none'
        return (
            f'The last good checkpoint: {last}. Look for a learning rate that '
            'is too high, or for bad data; then go on with --resume.'
        )

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Check the weights, which the last step may have spoilt.

        Raises:
            ValueError: If a weight is not finite.
        """
        weights = {n for n, _ in unwrapped(runner.model).named_parameters()}
        for name, tensor in checkpoint['state_dict'].items():
            checked = name in weights or name.endswith(
                ('.running_mean', '.running_var')
            )
            if checked and not torch.isfinite(tensor).all():
                raise ValueError(
                    f'Expected finite weights, but {name} is not, after '
                    f'iteration {runner.iter}: nothing is saved. '
                    f'{self._remedy(runner)}'
                )
