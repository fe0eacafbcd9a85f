"""The rest of a PYSKL config → MMEngine's: epochs, validation, hooks, runs."""

from typing import Any

from mmengine.hooks import CheckpointHook

from .components import Rule, arguments_of, convert_arguments
from .data import MEMCACHED
from .section import Section

METRICS = {
    'top_k_accuracy': 'acc/top1',
    'mean_class_accuracy': 'acc/mean1',
}
BEST = dict(METRICS, top1_acc='acc/top1', top5_acc='acc/top5')
CHECKPOINTS = Rule(
    drop=dict(create_symlink='MMEngine writes the file last_checkpoint')
)
# Where a key goes, and what MMAction2 has there anyway.
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


def _convert_metrics(evaluation: Section) -> dict[str, Any]:
    """Ours has all that PYSKL's configs ask for."""
    names = evaluation.take('metrics', [*METRICS])
    names = [names] if isinstance(names, str) else names
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        text = f'{unknown}: mmshapmix.LongTailMetric has no such metric'
        evaluation.note('metrics', 'unmapped', text)
    metric = dict(type='mmshapmix.LongTailMetric')
    with evaluation.section('metric_options') as options:
        with options.section('top_k_accuracy') as top_k:
            metric |= top_k.move(dict(topk='topk'))
    return metric | evaluation.move(dict(topk='topk'))


def _convert_best(evaluation: Section) -> dict[str, Any]:
    """What the best checkpoint is; MMAction2's runtime keeps one, too."""
    evaluation.drop(dict(key_indicator='`save_best` names the metric'))
    best = evaluation.move(dict(save_best='save_best', rule='rule'))
    name = best.get('save_best')
    if name in BEST:
        best['save_best'] = BEST[name]
    elif name not in (None, 'auto'):
        text = f'{name}: the metrics are {[*BEST.values()]}'
        evaluation.note('save_best', 'unmapped', text)
        del best['save_best']
    return best


def _convert_logging(source: Section) -> dict[str, Any]:
    with source.section('log_config') as logging:
        logger = logging.move(dict(interval='interval'))
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
    """MMCV validates each so many epochs from the start on."""
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


def convert_runtime(source: Section) -> dict[str, Any]:
    """Convert what is said about a run, as far as it is not the default.

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
