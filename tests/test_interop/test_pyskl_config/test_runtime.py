"""Runtime settings of a PYSKL config: epochs, optimiser, rates, hooks."""

import math

import numpy as np
import pytest
from mmengine.runner import Runner

from ...pyskl_configs import built, notes_of, source, working_folder

OPTIMIZER = dict(optimizer=source('stgcnpp')['optimizer'])


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A working folder with the data; MMEngine formats no config."""
    with working_folder(tmp_path_factory.mktemp('pyskl')) as root:
        yield root


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (dict(log_level='DEBUG'), {'log_level': 'DEBUG'}),
        (dict(load_from='a.pth'), {'load_from': 'a.pth'}),
        (dict(resume_from='a.pth'), {'load_from': 'a.pth', 'resume': False}),
        (dict(auto_resume=True), {'resume': True}),
        (dict(find_unused_parameters=True), {'find_unused_parameters': True}),
        (dict(seed=3), {'randomness.seed': 3}),
        (dict(cudnn_benchmark=True), {'env_cfg.cudnn_benchmark': True}),
        (
            dict(dist_params=dict(backend='gloo')),
            {'env_cfg.dist_cfg.backend': 'gloo'},
        ),
        (dict(total_epochs=7), {'train_cfg.max_epochs': 7}),
        (
            dict(checkpoint_config=dict(interval=5, max_keep_ckpts=2)),
            {
                'default_hooks.checkpoint.interval': 5,
                'default_hooks.checkpoint.max_keep_ckpts': 2,
                'default_hooks.checkpoint.save_best': 'auto',
            },
        ),
        (
            dict(evaluation=dict(interval=2, start=3, save_best='top1_acc')),
            {
                'train_cfg.val_interval': 2,
                'train_cfg.val_begin': 3,
                'default_hooks.checkpoint.save_best': 'acc/top1',
            },
        ),
        (
            dict(evaluation=dict(topk=(1, 3))),
            {'test_evaluator.0.topk': (1, 3)},
        ),
        (
            dict(data=source('brl')['data'] | dict(videos_per_gpu=5)),
            {'auto_scale_lr': dict(enable=False, base_batch_size=40)},
        ),
        (
            dict(fp16=dict(loss_scale=32)),
            {
                'optim_wrapper.type': 'AmpOptimWrapper',
                'optim_wrapper.loss_scale': 32.0,
            },
        ),
        (dict(fp16={}), {'optim_wrapper.loss_scale': 512.0}),
        (
            dict(
                optimizer_config=dict(
                    type='Fp16OptimizerHook',
                    loss_scale='dynamic',
                    grad_clip=dict(max_norm=4),
                )
            ),
            {
                'optim_wrapper.type': 'AmpOptimWrapper',
                'optim_wrapper.loss_scale': 'dynamic',
                'optim_wrapper.clip_grad.max_norm': 4,
            },
        ),
        (
            dict(
                optimizer_config=dict(
                    type='GradientCumulativeOptimizerHook', cumulative_iters=4
                )
            ),
            {'optim_wrapper': dict(OPTIMIZER, accumulative_counts=4)},
        ),
        (
            dict(log_config=dict(interval=7)),
            {'default_hooks.logger.interval': 7},
        ),
        (
            dict(optimizer_config=dict(grad_clip=dict(max_norm=40))),
            {'optim_wrapper.clip_grad.max_norm': 40},
        ),
        (
            dict(
                optimizer=dict(
                    type='Adam', lr=1, paramwise_cfg=dict(norm_decay_mult=0)
                )
            ),
            {
                'optim_wrapper.optimizer': dict(type='Adam', lr=1),
                'optim_wrapper.paramwise_cfg.norm_decay_mult': 0,
            },
        ),
    ],
    ids=lambda value: '-'.join(value),
)
def test_what_is_said_about_a_run(given, expected):
    """Settings by their place in MMEngine's config, with default values."""
    cfg = built(source('stgcnpp') | given)
    for place, value in expected.items():
        there = cfg
        for key in place.split('.'):
            there = there[int(key) if key.isdigit() else key]
        assert there == value


SCALE = dict(init_scale=512.0, growth_interval=9)
HALF = 'Fp16OptimizerHook'
HOOKS = [
    ('OptimizerHook', {}, 'type', 'dropped'),
    ('DistOptimizerHook', {}, 'type', 'dropped'),
    ('SAMOptimizerHook', {}, 'type', 'unmapped'),
    (HALF, dict(loss_scale=4), 'type', 'dropped'),
    (HALF, dict(loss_scale=4), 'loss_scale', 'changed'),
    (HALF, dict(loss_scale=SCALE), 'type', 'unmapped'),
    (HALF, dict(loss_scale=SCALE), 'loss_scale', 'unmapped'),
]


@pytest.mark.parametrize(
    ('given', 'path', 'kind'),
    [
        (dict(workflow=[('train', 1)]), 'workflow', 'dropped'),
        (
            dict(workflow=[('train', 1), ('val', 1)]),
            'workflow',
            'unmapped',
        ),
        (dict(memcached=True), 'memcached', 'dropped'),
        (dict(work_dir='w'), 'work_dir', 'dropped'),
        (
            dict(evaluation=dict(by_epoch=True)),
            'evaluation.by_epoch',
            'dropped',
        ),
        (
            dict(evaluation=dict(by_epoch=False)),
            'evaluation.by_epoch',
            'unmapped',
        ),
        (
            dict(evaluation=dict(gpu_collect=True)),
            'evaluation.gpu_collect',
            'dropped',
        ),
        ({}, 'optimizer.lr', 'changed'),
        (dict(fp16={}), 'fp16.loss_scale', 'changed'),
        (dict(fp16=dict(loss_scale=SCALE)), 'fp16.loss_scale', 'unmapped'),
        *[
            (
                dict(optimizer_config=dict(type=name, **options)),
                f'optimizer_config.{key}',
                kind,
            )
            for name, options, key, kind in HOOKS
        ],
        (
            dict(evaluation=dict(metrics=['mmit_mean_average_precision'])),
            'evaluation.metrics',
            'unmapped',
        ),
        (
            dict(evaluation=dict(save_best='loss')),
            'evaluation.save_best',
            'unmapped',
        ),
        (
            dict(log_config=dict(hooks=[dict(type='TensorboardLoggerHook')])),
            'log_config.hooks[0].type',
            'unmapped',
        ),
        (
            dict(optimizer=dict(type='SGD', lr=1, lookahead=3)),
            'optimizer.lookahead',
            'unmapped',
        ),
        (dict(resume_from='a.pth'), 'resume_from', 'changed'),
    ],
)
def test_what_is_said_about_a_run_and_not_taken_over(given, path, kind):
    notes = notes_of(source('stgcnpp') | given)
    assert (path, kind) in [note[:2] for note in notes]


def test_the_folder_of_pyskls_checkpoints_is_left_alone():
    assert 'work_dir' not in built(source('stgcnpp'))


@pytest.mark.parametrize(
    'given', [dict(load_from='a.pth'), dict(resume_from='a.pth')]
)
def test_a_run_does_not_resume_from_pretrained_weights(given):
    cfg = source('stgcnpp') | given | dict(auto_resume=True)
    assert built(cfg).load_from == 'a.pth' and not built(cfg).resume
    assert ('auto_resume', 'changed') in [n[:2] for n in notes_of(cfg)]


@pytest.mark.parametrize('interval', [1, 2, 3, 5])
@pytest.mark.parametrize('start', [None, 0, 1, 2, 3, 6, 7, 10])
def test_other_epochs_of_validation_are_named(interval, start):
    """By MMCV's rule and by MMEngine's, epoch by epoch."""
    cfg = source('stgcnpp')
    cfg['evaluation'] = dict(interval=interval, start=start)
    loop = built(cfg).train_cfg
    begin, every = loop.get('val_begin', 1), loop.val_interval
    theirs, ours = [], []
    for epoch in range(1, 30):
        first = interval if start is None else start
        theirs += [epoch] * (
            epoch >= first and (epoch - first) % interval == 0
        )
        ours += [epoch] * (epoch >= begin and epoch % every == 0)
    named = ('evaluation.start', 'changed') in [n[:2] for n in notes_of(cfg)]
    assert named == (theirs != ours)


# Learning rates --------------------------------------------------------------


def rate_of(settings, epochs, length, base=0.1):
    """Learning rate of each iteration by MMCV 1.x's rules, naively."""
    rates, total = [], epochs * length
    for i in range(total):
        by_epoch = settings.get('by_epoch', True)
        now, last = (i // length, epochs) if by_epoch else (i, total)
        if settings['policy'] == 'CosineAnnealing':
            low = settings.get(
                'min_lr', base * settings.get('min_lr_ratio', 0)
            )
            rate = (
                low + (base - low) * (1 + math.cos(math.pi * now / last)) / 2
            )
        elif isinstance(settings['step'], int):
            rate = base * settings.get('gamma', 0.1) ** (
                now // settings['step']
            )
        else:
            past = sum(now >= step for step in settings['step'])
            rate = base * settings.get('gamma', 0.1) ** past
        warm = settings.get('warmup_iters', 0)
        warm *= length if settings.get('warmup_by_epoch') else 1
        if i < warm:
            ratio = settings.get('warmup_ratio', 0.1)
            if settings['warmup'] == 'linear':
                ratio = 1 - (1 - i / warm) * (1 - ratio)
            rate *= ratio
        rates.append(rate)
    return np.array(rates)


def converted_rates(settings, epochs):
    """Rates of the converted config in MMEngine, and iterations per epoch."""
    cfg = source('stgcnpp') | dict(lr_config=settings, total_epochs=epochs)
    new = built(cfg)
    new.work_dir = 'work'
    runner = Runner.from_cfg(new)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    length = len(runner.train_loop.dataloader)
    schedulers = runner.build_param_scheduler(runner.param_schedulers)
    rates = []
    for i in range(1, epochs * length + 1):
        rates.append(runner.optim_wrapper.get_lr()['lr'][0])
        for scheduler in schedulers:
            if not (scheduler.by_epoch and i % length):
                scheduler.step()
    return np.array(rates), length


WARM = dict(warmup='linear', warmup_iters=6, warmup_ratio=0.2)


@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
@pytest.mark.parametrize(
    'settings',
    [
        dict(policy='CosineAnnealing', min_lr=0, by_epoch=False),
        dict(policy='CosineAnnealing', min_lr=0.01, by_epoch=False),
        dict(policy='CosineAnnealing', min_lr_ratio=0.02),
        dict(policy='CosineAnnealing', min_lr=0, by_epoch=False, **WARM),
        dict(policy='step', step=[2, 4]),
        dict(policy='step', step=2, gamma=0.5),
        dict(policy='step', step=[5, 13], by_epoch=False),
        dict(policy='step', step=[1, 3], **WARM),
        dict(policy='step', step=[3], warmup='constant', warmup_iters=5),
    ],
    ids=lambda settings: '-'.join(map(str, settings.values())),
)
def test_the_learning_rate_of_each_iteration_is_that_of_mmcv(settings):
    rates, length = converted_rates(settings, epochs=5)
    assert length == 4 and len(rates) == 20
    np.testing.assert_allclose(rates, rate_of(settings, 5, 4), rtol=1e-9)
    notes = notes_of(source('stgcnpp') | dict(lr_config=settings))
    assert not [note for note in notes if 'lr_config' in note.path]


@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
def test_inexact_schedules_are_named_and_nearly_right():
    low = 1e-3
    least = dict(policy='CosineAnnealing', min_lr=low, by_epoch=False, **WARM)
    rates, length = converted_rates(least, epochs=5)
    difference = np.abs(rates - rate_of(least, 5, length))
    assert 0 < difference.max() < low
    by_epoch = dict(
        policy='step',
        step=[4],
        warmup='linear',
        warmup_iters=2,
        warmup_by_epoch=True,
    )
    rates, length = converted_rates(by_epoch, epochs=5)
    expected = rate_of(by_epoch, 5, length)
    sooner = 0.1 * (0.1 + 0.9 * np.arange(8) / 7)
    np.testing.assert_allclose(rates[:8], sooner)
    np.testing.assert_allclose(rates[8:], expected[8:])
    for settings, key in ((least, 'warmup'), (by_epoch, 'warmup_by_epoch')):
        notes = notes_of(source('stgcnpp') | dict(lr_config=settings))
        assert (f'lr_config.{key}', 'changed') in [n[:2] for n in notes]


@pytest.mark.parametrize(
    ('settings', 'keys'),
    [
        (dict(policy='poly', power=2), ['policy', 'power']),
        (dict(policy='step', step=[1], min_lr=1), ['min_lr']),
        (
            dict(policy='fixed', warmup='exp', warmup_iters=3),
            ['warmup', 'warmup_iters'],
        ),
        (dict(policy='fixed', warmup='linear'), ['warmup']),
    ],
)
def test_schedules_that_there_are_not_are_named(settings, keys):
    notes = notes_of(source('stgcnpp') | dict(lr_config=settings))
    named = [n.path for n in notes if n.kind == 'unmapped']
    assert named == [f'lr_config.{key}' for key in keys]
