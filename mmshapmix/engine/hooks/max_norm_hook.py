"""A limit on the norms of the classifier's rows."""

import math
from reprlib import repr as shortened

import torch
from mmengine.hooks import Hook

from ...functional.checks import check_choice
from ...functional.classifier import limit_norms, norm_limit
from ...interop.checkpoints import meta_of
from ...registry import HOOKS
from ..models import loaded_from, unwrapped

INTERVALS = ('iter', 'epoch')


@HOOKS.register_module()
class MaxNormHook(Hook):
    """Keeps the norms of the classifier's rows below a limit: MaxNorm.

    Alshammari et al., arXiv 2203.14197: projected gradient descent in a second
    stage (see ``SecondStageHook``). The limit lies between the norms of the
    shortest and the longest row of ``cls_head.fc.weight`` at the start. It is
    saved in the checkpoint's ``meta['max_norm']``, so that a resumed run has
    the same limit. The bias has no limit.

    Args:
        share: Position of the limit between the two norms, from 0 to 1.
        interval: Project after each ``'iter'``, as in the paper, or after each
            ``'epoch'``, as in the released code.
    """

    # Before SecondStageHook, which may replace the rows to be measured.
    priority = 'ABOVE_NORMAL'

    def __init__(self, share: float = 0.1, interval: str = 'iter') -> None:
        check_choice('interval', interval, INTERVALS)
        self.share = share
        self.interval = interval
        self.limit: float | None = None

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Take the limit from the checkpoint.

        Raises:
            ValueError: If it is no positive number.
        """
        path = loaded_from(runner)
        limit = meta_of(checkpoint, path).get('max_norm')
        known = isinstance(limit, int | float) and 0 < limit < math.inf
        if limit is not None and not known:
            raise ValueError(
                f"Expected a number above 0 as meta['max_norm'] of {path}, "
                f'but got {shortened(limit)}. Take another checkpoint.'
            )
        self.limit = limit

    def before_train(self, runner) -> None:
        """Measure the limit, unless a resumed run has one."""
        if runner.iter == 0 or self.limit is None:
            weight = unwrapped(runner.model).cls_head.fc.weight
            self.limit = norm_limit(weight.detach(), self.share).item()
        runner.logger.info(f'MaxNorm: a limit of {self.limit:.4g}')

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Project the rows, if the interval is ``'iter'``."""
        self._project(runner, 'iter')

    def after_train_epoch(self, runner) -> None:
        """Project the rows, if the interval is ``'epoch'``."""
        self._project(runner, 'epoch')

    def _project(self, runner, interval: str) -> None:
        if interval == self.interval:
            weight = unwrapped(runner.model).cls_head.fc.weight
            assert self.limit is not None  # set in `before_train`
            with torch.no_grad():
                weight.copy_(limit_norms(weight, self.limit))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save the limit in the checkpoint's meta."""
        checkpoint['meta']['max_norm'] = self.limit
