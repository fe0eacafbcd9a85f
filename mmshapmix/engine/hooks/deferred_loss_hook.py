"""The change from the early to the late loss."""

from mmengine.hooks import Hook

from ...models.losses import DeferredLoss
from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class DeferredLossHook(Hook):
    """Switches every DeferredLoss of the model to its late loss.

    The stage depends only on the iteration, so that a resumed run is in the
    same stage as an uninterrupted one.

    Args:
        begin: The first epoch with the late loss, counted from 0; or a float
            below 1: the share of the training before it.
        lr_factor: Factor on all learning rates from then on. It is applied
            once: the optimizer's state, and thereby a checkpoint, contains the
            changed rates, and MMEngine's schedulers continue from the current
            rate. (Exceptions are schedulers that restart from the initial
            rate, such as CosineRestartLR; and an ``eta_min`` does not change.)

    Raises:
        ValueError: For a negative ``begin``, or a float of 1 or more, or an
            ``lr_factor`` that is not above 0.
    """

    def __init__(self, begin: int | float, lr_factor: float = 1.0) -> None:
        share = isinstance(begin, float)
        if begin < 0 or (share and begin >= 1):
            raise ValueError(
                'Expected `begin` as an epoch, an integer of at least 0, or '
                f'as a share of training below 1, but got {begin!r}.'
            )
        if lr_factor <= 0:
            raise ValueError(
                f'Expected `lr_factor` above 0, but got {lr_factor}.'
            )
        self.begin = begin
        self.lr_factor = lr_factor

    def before_train(self, runner) -> None:
        """Find the losses, and the iteration of the change.

        Raises:
            ValueError: If the model has no DeferredLoss, or the training ends
                before the change.
        """
        self.losses = [
            module
            for module in unwrapped(runner.model).modules()
            if isinstance(module, DeferredLoss)
        ]
        if not self.losses:
            raise ValueError(
                'Expected a DeferredLoss for DeferredLossHook, but the model '
                'has none. Set model.cls_head.loss_cls=dict(type='
                "'mmshapmix.DeferredLoss', late=…), or take the hook out."
            )
        self.first = self.first_iteration(runner)
        if self.first >= runner.max_iters:
            raise ValueError(
                f'Expected `begin` of DeferredLossHook within the training, '
                f'but got {self.begin!r}, which is iteration {self.first} of '
                f'{runner.max_iters}. An epoch of RepeatDataset is several '
                'passes; a share such as 5/6 does not depend on them.'
            )

    def first_iteration(self, runner) -> int:
        """The first iteration of the last stage."""
        if isinstance(self.begin, float):
            # Rounded, since shares such as 5/6 are not exact floats.
            return round(self.begin * runner.max_iters)
        return self.begin * len(runner.train_dataloader)

    def before_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the stage; log the begin of the last stage."""
        if runner.iter == self.first:
            self._begin(runner)
        for loss in self.losses:
            loss.is_late = runner.iter >= self.first

    def _begin(self, runner) -> None:
        names = {type(loss.late).__name__ for loss in self.losses}
        runner.logger.info(
            f'The late loss, {", ".join(names)}, from here on (epoch '
            f'{runner.epoch + 1}, iteration {runner.iter + 1})'
        )
        if self.lr_factor != 1:
            self.scale_rates(runner)
            runner.logger.info(
                f'Learning rates times {self.lr_factor} from here on'
            )

    def scale_rates(self, runner) -> None:
        """Multiply the learning rates by the factor."""
        for group in runner.optim_wrapper.param_groups:
            group['lr'] = group['lr'] * self.lr_factor
