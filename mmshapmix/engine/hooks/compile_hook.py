"""Compilation of the backbone, by ``torch.compile``."""

from types import MethodType
from typing import Any

import torch
from mmengine.hooks import Hook

from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles the backbone's ``forward`` for a training or a test.

    MMEngine's ``compile`` compiles whole training steps, which mixers, losses
    and the copies of values to the CPU break into many graphs. The backbone
    takes nearly all the time of a step and is one graph. Names in checkpoints
    stay as they are, and copies of the model that average its weights have a
    compiled backbone of their own.

    Batches of another size (the last of an epoch, those of the saliency's
    estimation and of the validation) are compiled once more, then for any
    size.

    Args:
        **options: Options of ``torch.compile``, for example
            ``mode='max-autotune'``.
    """

    # Before EMAHook (NORMAL) copies the model.
    priority = 'VERY_HIGH'

    def __init__(self, **options: Any) -> None:
        self.options = options

    def before_run(self, runner) -> None:
        """Replace ``forward``; it is compiled when the first step calls it."""
        backbone = unwrapped(runner.model).backbone
        forward = torch.compile(type(backbone).forward, **self.options)
        backbone.forward = MethodType(forward, backbone)

    def after_run(self, runner) -> None:
        """Take the compiled ``forward`` out again."""
        del unwrapped(runner.model).backbone.forward
