"""What a PYSKL config says about a run."""

import pytest

from ...pyskl_configs import built, notes_of, source, working_folder


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A working folder with the data; MMEngine formats no config."""
    with working_folder(tmp_path_factory.mktemp('pyskl')) as root:
        yield root


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (dict(work_dir='w'), {'work_dir': 'w'}),
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
