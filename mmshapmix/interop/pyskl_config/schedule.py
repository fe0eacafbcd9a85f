"""A PYSKL schedule → MMEngine's: optimiser and learning rate.

PYSKL's is MMCV 1.x's: ``policy`` gives the learning rate of an epoch or an
iteration, and ``warmup`` multiplies it during the first iterations. In
MMEngine both are schedulers of one list, and multiply, too.
"""

from typing import Any

from mmengine.registry import OPTIMIZERS

from .components import convert_component
from .section import Section, show

Schedulers = list[dict[str, Any]]

# The same factor at the start of the warm-up.
WARMUPS = dict(
    linear=('LinearLR', 'start_factor'), constant=('ConstantLR', 'factor')
)
NOT_NEEDED = dict.fromkeys(
    ('coalesce', 'bucket_size_mb', 'distributed'),
    'DistributedDataParallel does it',
)
STEPPERS = (
    'OptimizerHook',
    'DistOptimizerHook',
    'GradientCumulativeOptimizerHook',
)
"""MMCV's hooks that OptimWrapper stands for, as it is."""

HALF = 'Fp16OptimizerHook'
LOSS_SCALE = 512.0
"""MMCV's; AmpOptimWrapper's is dynamic."""

GPUS = 8
"""Those of PYSKL's README, of nearly all its configs."""


def convert_optimizer(source: Section) -> dict[str, Any]:
    """Convert ``optimizer`` and ``optimizer_config``.

    Args:
        source: The whole config.

    Returns:
        The ``optim_wrapper``.

    Raises:
        ValueError: If the optimizer has no `type`.
    """
    with source.section('optimizer') as optimizer:
        own = optimizer.move(
            dict(paramwise_cfg='paramwise_cfg', constructor='constructor')
        )
        wrapper = dict(
            optimizer=convert_component(optimizer, {}, OPTIMIZERS), **own
        )
    with source.section('optimizer_config') as settings:
        wrapper |= _convert_stepping(settings)
    half = source.peek('fp16')
    with source.section('fp16') as settings:
        settings.drop(NOT_NEEDED)
        wrapper |= {} if half is None else _convert_half(settings)
    return {key: value for key, value in wrapper.items() if value is not None}


def _convert_stepping(source: Section) -> dict[str, Any]:
    """MMCV's hook of the optimizer; another one than these is unmapped."""
    source.drop(NOT_NEEDED)
    wrapper = source.move(
        dict(grad_clip='clip_grad', cumulative_iters='accumulative_counts')
    )
    kind = source.peek('type')
    if kind == HALF:
        wrapper |= _convert_half(source)
    if kind in STEPPERS or 'type' in wrapper:
        source.drop(dict(type="MMEngine's wrapper of the optimizer does it"))
    return wrapper


def _convert_half(source: Section) -> dict[str, Any]:
    """Mixed precision; nothing where the scale of the loss is a dict."""
    scale = source.peek('loss_scale', LOSS_SCALE)
    if isinstance(scale, int | float):
        scale = float(scale)
    elif scale != 'dynamic':
        return {}
    source.take('loss_scale')
    text = f'{show(scale)}: AmpOptimWrapper has it, on a GPU only'
    source.note('loss_scale', 'changed', text)
    return dict(type='AmpOptimWrapper', loss_scale=scale)


def convert_batch(source: Section, loader: dict[str, Any]) -> dict[str, Any]:
    """Say for which total batch the learning rate is.

    Args:
        source: The whole config.
        loader: The new one of training; its batch is that of a GPU.

    Returns:
        The ``auto_scale_lr``.
    """
    batch_size = loader['batch_size']
    text = (
        f'as it is written, for {GPUS} GPUs with {batch_size} samples each, '
        'as in the README of PYSKL; tools/train.py --auto-scale-lr scales it '
        'to the total batch'
    )
    source.note('optimizer.lr', 'changed', text)
    return dict(enable=False, base_batch_size=GPUS * batch_size)


def _cosine(source: Section, by_epoch: bool) -> Schedulers:
    low = source.move(dict(min_lr='eta_min', min_lr_ratio='eta_min_ratio'))
    scheduler = dict(type='CosineAnnealingLR', by_epoch=True)
    scheduler |= {k: value for k, value in low.items() if value is not None}
    # Without T_max it ends with the training, however long that is.
    return [
        scheduler if by_epoch else scheduler | dict(convert_to_iter_based=True)
    ]


def _steps(source: Section, by_epoch: bool) -> Schedulers:
    step, gamma = source.take('step'), source.take('gamma', 0.1)
    if step is None:
        raise ValueError(
            f'Expected `{source.where("step")}` in a PYSKL config whose '
            'policy is steps, but there is none.'
        )
    if isinstance(step, int):
        kind = dict(type='StepLR', step_size=step)
    else:
        kind = dict(type='MultiStepLR', milestones=list(step))
    return [dict(kind, gamma=gamma, by_epoch=by_epoch)]


def _fixed(source: Section, by_epoch: bool) -> Schedulers:
    return []


POLICIES = dict(cosineannealing=_cosine, step=_steps, fixed=_fixed)


def _warmup(source: Section) -> Schedulers:
    """MMCV's full rate comes after the last iteration, MMEngine's in it."""
    kind = source.peek('warmup')
    if kind not in WARMUPS or not source.peek('warmup_iters'):
        source.expect(dict(warmup=None))
        return []
    source.take('warmup')
    end, by_epoch = source.take('warmup_iters'), source.take('warmup_by_epoch')
    name, factor = WARMUPS[kind]
    scheduler = {'type': name, factor: source.take('warmup_ratio', 0.1)}
    if not by_epoch:
        return [dict(scheduler, by_epoch=False, begin=0, end=end + 1)]
    text = 'the full rate is reached one iteration earlier'
    source.note('warmup_by_epoch', 'changed', text)
    return [
        dict(
            scheduler,
            by_epoch=True,
            begin=0,
            end=end,
            convert_to_iter_based=True,
        )
    ]


def convert_learning_rate(source: Section) -> Schedulers:
    """Convert ``lr_config``.

    Args:
        source: The whole config.

    Returns:
        The ``param_scheduler``.

    Raises:
        ValueError: If there are steps, and nothing says where.
    """
    with source.section('lr_config') as rates:
        policy = str(rates.peek('policy')).lower()
        if policy not in POLICIES:
            return []
        rates.take('policy')
        by_epoch = rates.take('by_epoch', True)
        main = POLICIES[policy](rates, by_epoch)
        start = _warmup(rates)
        if start and any(
            m.get('eta_min', m.get('eta_min_ratio')) for m in main
        ):
            text = 'the rates differ, by less than the least one'
            rates.note('warmup', 'changed', text)
    return start + main
