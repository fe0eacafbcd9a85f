"""What a PYSKL config says about a run."""

import pytest

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
    """By its place in what MMEngine reads, with MMAction2's defaults."""
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
    """By MMCV's rule and MMEngine's, epoch by epoch."""
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
