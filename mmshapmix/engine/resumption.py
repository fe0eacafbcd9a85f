"""Check, before a training resumes, that its checkpoint can be resumed from.

MMEngine notices a wrong checkpoint late, with an obscure error, or never.
"""

import math
import pickle
from collections.abc import Iterator, Mapping
from numbers import Real
from reprlib import repr as shortened
from typing import Any

from mmengine.optim import OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop
from torch import Tensor
from torch.optim import Optimizer

from ..interop.checkpoints import meta_of
from ..interop.fit import misfit, refuse
from ..io.unpickling import brief
from .models import unwrapped

OF_SHAPE = ('momentum_buffer', 'exp_avg', 'exp_avg_sq')
"""States of optimizers that have the shape of their parameter."""
INSTEAD = (
    'To start from its weights: --load-from, not --resume; or `load_from` '
    'without `resume`.'
)


def check_resumable(runner, checkpoint: Mapping[str, Any], path: str) -> None:
    """Check that a checkpoint is of this training; weights are not checked.

    Args:
        runner: The runner that will resume. The check already loads the
            message hub and the optimizer's state into it.
        checkpoint: The loaded checkpoint.
        path: Path of the checkpoint, for errors.

    Raises:
        ValueError: If the checkpoint is of another framework, beyond the end
            of this training, or of another model or optimizer.
    """
    if not isinstance(checkpoint, Mapping) or 'message_hub' not in checkpoint:
        raise ValueError(
            f'Expected a checkpoint of this training to resume from, but '
            f'{path} is of another framework, or converted from it. {INSTEAD}'
        )
    meta = meta_of(checkpoint, path)
    _check_progress(runner, meta, path)
    _check_average(runner, checkpoint, path)
    try:
        _take_over(runner, checkpoint, meta)
    # A damaged or foreign state can make it raise nearly anything.
    except Exception as error:
        reason = brief(f'{type(error).__name__}: {error}')
        raise ValueError(
            f'Expected the state of this training in {path}, but it has '
            f'another, or a damaged one ({reason}). {INSTEAD}'
        ) from error


def _check_progress(runner, meta: Mapping[str, Any], path: str) -> None:
    loop = runner._train_loop
    for name in ('epoch', 'iter'):
        value = meta.get(name)
        if type(value) is not int or not 0 <= value < 2**31:
            raise ValueError(
                f'Expected a number of at least 0 as meta[{name!r}] of {path},'
                f' but got {shortened(value)}. {INSTEAD}'
            )
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    name = 'epoch' if by_epoch else 'iter'
    limit = loop.max_epochs if by_epoch else loop.max_iters
    if meta[name] > limit:
        raise ValueError(
            f'Expected a checkpoint of {name} {limit} at most, where the '
            f'training ends, but {path} is of {meta[name]}. Raise '
            f'train_cfg.max_{name}s, or resume from an earlier one. {INSTEAD}'
        )
    seed = meta.get('seed')
    if seed is not None and not (type(seed) is int and 0 <= seed < 2**32):
        raise ValueError(
            f"Expected a number as meta['seed'] of {path}, but got "
            f'{shortened(seed)}. {INSTEAD}'
        )


def _check_average(runner, checkpoint: Mapping[str, Any], path: str) -> None:
    """Check the averaged weights, which MMEngine's EMAHook saves."""
    average = checkpoint.get('ema_state_dict')
    if average is None:
        return
    prefix, model = 'module.', unwrapped(runner.model)
    state = {
        str(name).removeprefix(prefix): value
        for name, value in dict(average).items()
        if str(name).startswith(prefix) and isinstance(value, Tensor)
    }
    refuse(misfit(state, model, whole=True), state, model, path)


def _take_over(
    runner, checkpoint: Mapping[str, Any], meta: Mapping[str, Any]
) -> None:
    """Load the states that MMEngine loads later, and check them."""
    _check_kinds(checkpoint)
    runner.message_hub.load_state_dict(dict(checkpoint['message_hub']))
    pickle.dumps(meta.get('dataset_meta'))
    if 'optimizer' not in checkpoint:
        return
    wrapper, saved = runner.optim_wrapper, dict(checkpoint['optimizer'])
    if isinstance(wrapper, OptimWrapperDict):
        saved = {name: dict(one) for name, one in saved.items()}
    wrapper.load_state_dict(saved)  # removes keys, hence the copies above
    for optimizer in _optimizers(wrapper):
        _check_optimizer(optimizer)


def _check_kinds(checkpoint: Mapping[str, Any]) -> None:
    """Check the types of values that MMEngine loads without a check."""
    hub = checkpoint['message_hub']
    known = hub['runtime_info']
    names = [*known, *hub['resumed_keys'], *hub['log_scalars']]
    if not all(isinstance(name, str) for name in names):
        raise ValueError('names in message_hub that are no text')
    if not isinstance(known.get('best_score', 0.0), Real | Tensor):
        raise ValueError('a best_score that is no number')
    saved = checkpoint.get('param_schedulers', [])
    groups = saved.values() if isinstance(saved, Mapping) else [saved]
    for scheduler in (one for group in groups for one in group):
        if not isinstance(scheduler.get('last_step', 0), int):
            raise ValueError('a scheduler whose last_step is no number')


def _check_optimizer(optimizer: Optimizer) -> None:
    """Check the state that torch has loaded into an optimizer unchecked."""
    for group in optimizer.param_groups:
        lacking = sorted(optimizer.defaults.keys() - group.keys())
        if lacking or not math.isfinite(group['lr']):
            raise ValueError(
                f'{type(optimizer).__name__} without {lacking}, of learning '
                f'rate {group["lr"]}'
            )
    for parameter, state in optimizer.state.items():
        for name in OF_SHAPE:
            value = state.get(name)
            if value is not None and value.shape != parameter.shape:
                raise ValueError(
                    f'{name} of shape {(*value.shape,)} for a parameter of '
                    f'{(*parameter.shape,)}'
                )


def _optimizers(wrapper: Any) -> Iterator[Optimizer]:
    if isinstance(wrapper, OptimWrapperDict):
        yield from (one.optimizer for one in wrapper.values())
    else:
        yield wrapper.optimizer
