"""Tables of the accuracy of each class, saved beside the checkpoints."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from ...registry import HOOKS


@HOOKS.register_module()
class PerClassTableHook(Hook):
    """Writes the per-class table of :class:`LongTailMetric` as CSV.

    ``work_dir/per_class_epoch_N.csv`` after the validation of epoch N
    (``per_class_iter_N.csv`` in an iteration-based loop,
    ``per_class_val.csv`` without training), and
    ``work_dir/per_class_test.csv`` after a test.
    """

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        """Write the table of this validation."""
        self._write(
            runner,
            runner.val_evaluator.metrics,
            f'per_class_{self._stage(runner)}.csv',
        )

    @staticmethod
    def _stage(runner) -> str:
        # Not runner.train_loop or runner.epoch: in a validation without
        # training, these would build the loop, with the training data.
        loop = runner._train_loop
        # A validation follows the increment of the epoch or iteration, so this
        # is also the number of the checkpoint.
        if isinstance(loop, IterBasedTrainLoop):
            return f'iter_{loop.iter}'
        if isinstance(loop, BaseLoop):
            return f'epoch_{loop.epoch}'
        return 'val'

    def after_test_epoch(self, runner, metrics: dict | None = None) -> None:
        """Write the table of this test."""
        self._write(
            runner, runner.test_evaluator.metrics, 'per_class_test.csv'
        )

    def _write(self, runner, metrics: Iterable[Any], name: str) -> None:
        if not is_main_process():
            return
        for metric in metrics:
            rows = getattr(metric, 'per_class', None)
            if rows:
                path = Path(runner.work_dir) / name
                with path.open('w', newline='') as file:
                    writer = csv.DictWriter(file, rows[0].keys())
                    writer.writeheader()
                    writer.writerows(rows)
                runner.logger.info(f'Accuracy of each class: {path}')
