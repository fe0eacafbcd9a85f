"""When a deferred loss changes."""

from mmengine.hooks import Hook

from ...models.losses import DeferredLoss
from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class DeferredLossHook(Hook):
    """Switches every DeferredLoss of the model to its late loss.

    It looks at the iteration alone, so that a resumed run is in the stage that
    the uninterrupted one would be in.

    Args:
        begin: The first epoch with the late loss, counted from 0; or a float
            below 1: the share of training that comes before.
        lr_factor: Factor on all learning rates from then on. It is applied
            once: the optimizer's state, and so a checkpoint, keeps it, and
            MMEngine's schedulers go on from the current rate. (Not those that
            restart from the initial one, as CosineRestartLR; and an
            ``eta_min`` stays what it is.)

    Raises:
        ValueError: For a negative ``begin``, or a float of 1 and more, or an
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
        """Find the losses and the iteration.

        Raises:
            ValueError: If the model has none, or the training ends before.
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
            # Rounded, since 20 of 24 epochs are not 5/6 in floating point.
            return round(self.begin * runner.max_iters)
        return self.begin * len(runner.train_dataloader)

    def before_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the stage, and say so when it begins."""
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
