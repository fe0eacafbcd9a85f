"""Conversion of a run: epochs, validation, optimiser, schedule and hooks.

PYSKL's schedule is MMCV 1.x's: ``policy`` gives the learning rate of an epoch
or an iteration, and ``warmup`` multiplies it during the first iterations. In
MMEngine both are schedulers of one list, whose factors are multiplied, too.
"""

from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.registry import OPTIMIZERS

from .components import (
    Rule,
    Section,
    arguments_of,
    convert_arguments,
    convert_component,
    show,
)
from .data import MEMCACHED

METRICS = dict(top_k_accuracy='acc/top1', mean_class_accuracy='acc/mean1')
BEST = dict(METRICS, top1_acc='acc/top1', top5_acc='acc/top5')
CHECKPOINTS = Rule(
    drop=dict(create_symlink='MMEngine writes the file last_checkpoint')
)
# Key of PYSKL: its place in the new config, and MMAction2's default there.
RUNTIME = dict(
    log_level=('log_level', 'INFO'),
    load_from=('load_from', None),
    auto_resume=('resume', False),
    find_unused_parameters=('find_unused_parameters', False),
    seed=('randomness.seed', None),
    deterministic=('randomness.deterministic', False),
    cudnn_benchmark=('env_cfg.cudnn_benchmark', False),
    dist_params=('env_cfg.dist_cfg', dict(backend='nccl')),
)
DROPPED = dict(
    MEMCACHED,
    gpu_ids='the launcher says so',
    work_dir='checkpoints of PYSKL there would be overwritten; tools/train.py '
    'has a folder for each config, and --work-dir',
)
OUR_HOOKS = dict(
    class_counts='ClassCountsHook',
    data_check='DataCheckHook',
    per_class_table='PerClassTableHook',
    published_checkpoint='PublishedCheckpointHook',
    seed='SeedHook',
)

Schedulers = list[dict[str, Any]]

# MMCV's warm-up: MMEngine's scheduler, and its argument for the first factor.
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
"""Hooks of MMCV whose work a plain OptimWrapper does."""

HALF = 'Fp16OptimizerHook'
LOSS_SCALE = 512.0
"""MMCV's default; AmpOptimWrapper's default is a dynamic scale."""

GPUS = 8
"""Number of GPUs that PYSKL's README trains nearly all its configs on."""


def _convert_metrics(evaluation: Section) -> dict[str, Any]:
    """Convert the metrics to our metric, which has all that PYSKL asks for."""
    names = evaluation.take('metrics', [*METRICS])
    names = [names] if isinstance(names, str) else names
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        text = f'{unknown}: mmshapmix.LongTailMetric has no such metric'
        evaluation.note('metrics', 'unmapped', text)
    metric = dict(type='mmshapmix.LongTailMetric')
    with evaluation.section('metric_options') as options:
        with options.section('top_k_accuracy') as top_k:
            metric |= top_k.keep('topk')
    return metric | evaluation.keep('topk')


def _convert_best(evaluation: Section) -> dict[str, Any]:
    """Convert the choice of the best checkpoint.

    MMAction2's runtime keeps the best checkpoint by default, as PYSKL does.
    """
    evaluation.drop(dict(key_indicator='`save_best` names the metric'))
    best = evaluation.keep('save_best', 'rule')
    name = best.get('save_best')
    if name in BEST:
        best['save_best'] = BEST[name]
    elif name not in (None, 'auto'):
        text = f'{name}: the metrics are {[*BEST.values()]}'
        evaluation.note('save_best', 'unmapped', text)
        del best['save_best']
    return best


def _convert_logging(source: Section) -> dict[str, Any]:
    """Convert ``log_config`` to the settings of MMEngine's logger hook."""
    with source.section('log_config') as logging:
        logger = logging.keep('interval')
        for hook in logging.sections('hooks'):
            name = hook.take('type')
            if name == 'TextLoggerHook':
                hook.note('type', 'dropped', f'{name}: MMEngine logs text')
            else:
                text = 'add such a backend to `visualizer.vis_backends`'
                hook.note('type', 'unmapped', f'{name}: {text}')
            hook.close()
    return logger


def _convert_epochs(evaluation: Section) -> dict[str, Any]:
    """Convert the epochs that are validated.

    MMCV counts the interval from ``start`` on, MMEngine from epoch 0.
    """
    evaluation.expect(dict(by_epoch=True))
    evaluation.drop(dict(gpu_collect='MMEngine collects the results'))
    epochs = dict(val_interval=1) | evaluation.move(
        dict(interval='val_interval', start='val_begin')
    )
    interval, start = epochs['val_interval'], epochs.get('val_begin')
    if start is not None and start % interval:
        text = (
            f'{start}: validated are multiples of {interval} from there on, '
            f'in PYSKL {start}, {start + interval}, …'
        )
        evaluation.note('start', 'changed', text)
    return {key: value for key, value in epochs.items() if value is not None}


def convert_training(source: Section) -> dict[str, Any]:
    """Convert epochs, validation, checkpoints and logs.

    Args:
        source: The whole config.

    Returns:
        ``train_cfg``, ``val_evaluator`` and ``default_hooks``.

    Raises:
        ValueError: If there is no ``total_epochs``.
    """
    epochs = source.take('total_epochs')
    if epochs is None:
        raise ValueError(
            'Expected `total_epochs` in a PYSKL config, but there is none.'
        )
    with source.section('evaluation') as evaluation:
        loop = dict(
            type='EpochBasedTrainLoop',
            max_epochs=epochs,
            **_convert_epochs(evaluation),
        )
        metric, best = _convert_metrics(evaluation), _convert_best(evaluation)
    with source.section('checkpoint_config') as settings:
        checkpoint = best | convert_arguments(
            settings, arguments_of(CheckpointHook), CHECKPOINTS
        )
    stock = dict(checkpoint=checkpoint, logger=_convert_logging(source))
    ours = {k: dict(type=f'mmshapmix.{v}') for k, v in OUR_HOOKS.items()}
    return dict(
        train_cfg=loop,
        val_evaluator=[metric],
        default_hooks={k: v for k, v in stock.items() if v} | ours,
    )


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
        own = optimizer.keep('paramwise_cfg', 'constructor')
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
    """Convert MMCV's optimizer hook; an unknown one stays unmapped."""
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
    """Convert mixed precision, unless the scale of the loss is a dict."""
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
    """Say which total batch the learning rate is meant for.

    Args:
        source: The whole config.
        loader: The new ``train_dataloader``, with the batch size of one GPU.

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
    """Convert the policy CosineAnnealing."""
    low = source.move(dict(min_lr='eta_min', min_lr_ratio='eta_min_ratio'))
    scheduler = dict(type='CosineAnnealingLR', by_epoch=True)
    scheduler |= {k: value for k, value in low.items() if value is not None}
    # Without T_max the cosine ends with the training, however long that is.
    return [
        scheduler if by_epoch else scheduler | dict(convert_to_iter_based=True)
    ]


def _steps(source: Section, by_epoch: bool) -> Schedulers:
    """Convert the policy step."""
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
    """Convert the policy fixed, which needs no scheduler."""
    return []


POLICIES = dict(cosineannealing=_cosine, step=_steps, fixed=_fixed)


def _warmup(source: Section) -> Schedulers:
    """Convert the warm-up.

    MMCV reaches the full rate in the iteration after the last one of the
    warm-up, MMEngine in the last one. Hence a warm-up that is given in
    iterations gets one more.
    """
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
    times = dict(by_epoch=True, begin=0, end=end, convert_to_iter_based=True)
    return [scheduler | times]


def convert_learning_rate(source: Section) -> Schedulers:
    """Convert ``lr_config``.

    Args:
        source: The whole config.

    Returns:
        The ``param_scheduler``.

    Raises:
        ValueError: If the policy is steps, and ``step`` is missing.
    """
    with source.section('lr_config') as rates:
        policy = str(rates.peek('policy')).lower()
        if policy not in POLICIES:
            return []
        rates.take('policy')
        by_epoch = rates.take('by_epoch', True)
        main = POLICIES[policy](rates, by_epoch)
        start = _warmup(rates)
        least = [m.get('eta_min', m.get('eta_min_ratio')) for m in main]
        if start and any(least):
            text = 'the rates differ, by less than the least one'
            rates.note('warmup', 'changed', text)
    return start + main


def convert_runtime(source: Section) -> dict[str, Any]:
    """Convert settings of the runner that differ from MMAction2's defaults.

    Args:
        source: The whole config.

    Returns:
        Keys of MMEngine's runner.
    """
    source.expect(dict(workflow=[('train', 1)]))
    source.drop(DROPPED)
    resumed = source.take('resume_from')
    result: dict[str, Any] = {}
    for key, (place, default) in RUNTIME.items():
        value = source.take(key, default)
        if value != default:
            name, _, inner = place.partition('.')
            if inner:
                result.setdefault(name, {})[inner] = value
            else:
                result[name] = value
    if resumed:
        text = (
            f'{resumed}: `load_from`, its weights alone; MMEngine cannot go '
            'on with a run of PYSKL'
        )
        source.note('resume_from', 'changed', text)
        result['load_from'] = resumed
    if 'load_from' in result and result.pop('resume', False):
        text = (
            'left out: MMEngine would resume from `load_from`; tools/train.py '
            '--resume goes on where there is a checkpoint'
        )
        source.note('auto_resume', 'changed', text)
    return result
