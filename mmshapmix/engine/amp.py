"""Automatic mixed precision for the backbone; all else is in float32."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.optim import AmpOptimWrapper as StockAmpOptimWrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast
from torch import nn

from ..registry import OPTIM_WRAPPERS
from .models import unwrapped

PLAIN = ('OptimWrapper', 'AmpOptimWrapper', 'mmshapmix.AmpOptimWrapper')


def _to_float32(features: Any) -> Any:
    if isinstance(features, tuple | list):
        return type(features)(map(_to_float32, features))
    if torch.is_tensor(features) and features.is_floating_point():
        return features.float()
    return features


@contextmanager
def half_backbone(
    model: nn.Module, dtype: torch.dtype | None = None
) -> Iterator[None]:
    """Run the backbone in half precision, with float32 outputs.

    Mixers, heads, losses and metrics stay in float32: they take little time,
    and those of MMAction2 convert scores to numpy arrays, which do not support
    bfloat16.

    Args:
        model: A recognizer, with or without a distributed wrapper.
        dtype: Half-precision dtype; ``None``: float16 on CUDA, bfloat16 on a
            CPU.
    """
    backbone = unwrapped(model).backbone
    before = vars(backbone).get('forward')  # that of CompileHook
    full = before.__func__ if before else type(backbone).forward

    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        with autocast(dtype=dtype):
            return _to_float32(full(self, *args, **kwargs))

    # A bound method, so that a deep copy of the model, as EMAHook makes, calls
    # the copy's own backbone.
    backbone.forward = MethodType(forward, backbone)
    try:
        yield
    finally:
        del backbone.forward
        if before is not None:
            backbone.forward = before


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(StockAmpOptimWrapper):
    """MMEngine's ``AmpOptimWrapper`` for the backbone alone, also on a CPU.

    On a CPU, bfloat16 is used whatever ``dtype`` says, without loss scaling,
    which bfloat16 does not need. A checkpoint from CUDA can be resumed on a
    CPU and vice versa.

    Args:
        loss_scale: See MMEngine; used on CUDA.
        dtype: ``'float16'``, ``'bfloat16'`` or ``None``, see MMEngine; used on
            CUDA.
        use_fsdp: See MMEngine; used on CUDA.
        **kwargs: Arguments of ``OptimWrapper``.
    """

    def __init__(
        self,
        loss_scale: float | str | dict = 'dynamic',
        dtype: str | torch.dtype | None = None,
        use_fsdp: bool = False,
        **kwargs,
    ) -> None:
        if get_device() != 'cpu':
            super().__init__(loss_scale, dtype, use_fsdp, **kwargs)
            return
        OptimWrapper.__init__(self, **kwargs)
        self.cast_dtype = torch.bfloat16
        self.loss_scaler = torch.amp.GradScaler('cpu', enabled=False)
        self._scale_update_param = None

    def load_state_dict(self, state_dict: dict) -> None:
        """Load the optimizer's state, and the loss scaler's if both exist."""
        if not (
            self.loss_scaler.is_enabled() and state_dict.get('loss_scaler')
        ):
            state_dict = dict(state_dict)
            state_dict.pop('loss_scaler', None)
        super().load_state_dict(state_dict)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Return the context in which a training step runs."""
        with (
            OptimWrapper.optim_context(self, model),
            half_backbone(model, self.cast_dtype),
        ):
            yield


def use_amp(cfg: Config, wanted: bool) -> None:
    """Set up mixed precision in a config.

    Args:
        cfg: The runner's config; changed. On a CPU, MMEngine's
            ``AmpOptimWrapper``, which refuses CPUs, is replaced by ours.
        wanted: Whether to use mixed precision even if the config does not.

    Raises:
        ValueError: If the config has a custom optimizer wrapper.
    """
    wrapper = cfg.get('optim_wrapper')
    kind = 'OptimWrapper' if wrapper is None else wrapper.get('type', PLAIN[0])
    if wanted and kind not in PLAIN:
        raise ValueError(
            "Expected optim_wrapper.type 'OptimWrapper' with "
            f'--amp, but got {kind!r}.'
        )
    refused = kind == 'AmpOptimWrapper' and get_device() == 'cpu'
    if wrapper is not None and (wanted or refused):
        wrapper['type'] = 'mmshapmix.AmpOptimWrapper'
