"""Class counts: measured on the training data and set in all users."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop

from ...datasets import get_class_counts
from ...functional.longtail import ClassCounts, describe_counts
from ...interop.checkpoints import class_counts_of, meta_of
from ...registry import HOOKS
from ..checks import check_batches, check_head, check_metrics
from ..models import (
    is_training,
    loaded_from,
    mixer_of,
    tell_data,
    unwrapped,
)


@HOOKS.register_module()
class ClassCountsHook(Hook):
    """Measures class counts on the training data and passes them on.

    Every module of the model, every hook and every metric that has a method
    ``set_class_counts`` gets the counts. Checkpoints contain them in
    ``meta['class_counts']``, from where a test takes them.

    Args:
        allow_empty_classes: Whether to train even if a class has no sample.
    """

    # Before the hooks that may use modules and metrics.
    priority = 'VERY_HIGH'

    def __init__(self, allow_empty_classes: bool = False) -> None:
        self.allow_empty_classes = allow_empty_classes
        self.class_counts: ClassCounts | None = None

    def before_run(self, runner) -> None:
        """Check head and metrics, and set the mixer's classes and layout.

        The mixer must know both before its state is loaded.
        """
        # Not runner.val_loop etc., properties that would build the loops.
        for loop in (runner._val_loop, runner._test_loop):
            if isinstance(loop, BaseLoop):
                check_metrics(loop.evaluator.metrics)
        check_head(unwrapped(runner.model))
        mixer = mixer_of(runner.model)
        if mixer is not None and is_training(runner):
            tell_data(mixer, runner.train_dataloader.dataset)
            mixer.to(next(runner.model.parameters()).device)

    def before_train(self, runner) -> None:
        """Measure, check and log the counts; pass them to model and hooks."""
        check_batches(runner.train_dataloader)
        counts = get_class_counts(runner.train_dataloader.dataset)
        self.class_counts = counts
        model = unwrapped(runner.model)
        head = getattr(model, 'cls_head', None)
        self._check(counts, getattr(head, 'num_classes', len(counts)))
        self._hand_to_modules_and_hooks(runner)
        runner.logger.info(describe_counts(counts))

    def _check(self, counts: ClassCounts, num_classes: int) -> None:
        if len(counts) != num_classes:
            raise ValueError(
                f'Expected {num_classes} classes in the training data, as the '
                f'head has, but got {len(counts)}. Set `num_classes` to the '
                'same number in head and data set.'
            )
        empty = np.flatnonzero(counts == 0).tolist()
        if empty and not self.allow_empty_classes:
            raise ValueError(
                'Expected training samples of every class, but classes '
                f'{empty} have none. Check labels, split and `num_classes`, '
                'or set `default_hooks.class_counts.allow_empty_classes`.'
            )

    def _hand_to_modules_and_hooks(self, runner) -> None:
        # On the model's device, for the buffers computed from the counts.
        device = next(runner.model.parameters()).device
        self._hand_to(chain(runner.model.modules(), runner.hooks), device)

    def _hand_to(
        self, receivers: Iterable[Any], device: torch.device | str = 'cpu'
    ) -> None:
        if self.class_counts is None:
            return
        for receiver in receivers:
            if hasattr(receiver, 'set_class_counts'):
                receiver.set_class_counts(
                    torch.tensor(self.class_counts, device=device)
                )

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Take the class counts from the checkpoint, if there is no training.

        Raises:
            ValueError: If the counts do not fit the model's classes.
        """
        if is_training(runner):
            return  # the counts are measured
        path = loaded_from(runner)
        head = getattr(unwrapped(runner.model), 'cls_head', None)
        counts = class_counts_of(
            meta_of(checkpoint, path), getattr(head, 'num_classes', None), path
        )
        if counts is not None:
            self.class_counts = np.asarray(counts, dtype=np.int64)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save the counts as a plain list."""
        if self.class_counts is not None:
            checkpoint['meta']['class_counts'] = self.class_counts.tolist()

    def before_val(self, runner) -> None:
        """Pass the counts to the validation metrics."""
        self._hand_to(runner.val_evaluator.metrics)

    def before_test(self, runner) -> None:
        """Pass the counts to model, hooks and test metrics."""
        if self.class_counts is None:
            runner.logger.warning(
                'The checkpoint does not know the class counts it was trained '
                'on: many, medium and few are not reported.'
            )
        self._hand_to_modules_and_hooks(runner)
        self._hand_to(runner.test_evaluator.metrics)
