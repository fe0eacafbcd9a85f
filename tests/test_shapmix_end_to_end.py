"""Shap-Mix through the real tools: killed, resumed, and on two processes."""

import sys
from pathlib import Path

import pytest
import torch

from . import running
from .running import SMALL, leaf, user_folder

EPOCHS = 3
# A user's config on top of a method, and their hook, which saves the state of
# each rank before MMEngine averages buffers over the ranks.
CONFIG = """
_base_ = '{leaf}'
custom_imports = dict(imports=['mmshapmix', 'keep'])
train_dataloader = dict(
    batch_size=4, num_workers=1,
    dataset=dict(dataset=dict(
        long_tail=dict(max_per_class=12, imbalance_ratio=6))))
"""
CONFIG += (
    SMALL
    + """
train_cfg = dict(max_epochs=3)
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(
    logger=dict(interval=1),
    saliency=dict(warmup_epochs=1),
    keep=dict(type='KeepTable'))
"""
)
KEEP = """
from pathlib import Path
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmshapmix.engine.models import mixer_of

@HOOKS.register_module()
class KeepTable(Hook):
    priority = 'VERY_HIGH'

    def after_train_epoch(self, runner):
        mixer = mixer_of(runner.model)
        state = mixer.state_dict()
        state['seed'] = torch.tensor(mixer.step_seed)
        name = f'table_{runner.epoch}_{get_rank()}.pth'
        torch.save(state, Path(runner.work_dir) / name)
"""


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's working folder: their configs, their hook, and the data."""
    with user_folder(tmp_path_factory.mktemp('user')) as root:
        Path('keep.py').write_text(KEEP)
        for method in ('shapmix', 'shapmix-values'):
            base = leaf(method)
            Path(f'{method}.py').write_text(CONFIG.format(leaf=base))
        yield root


@pytest.fixture(scope='module')
def trained(folder):
    """Output of one uninterrupted training, into ``whole``."""
    return running.train('shapmix-values.py', 'whole')


def table(work_dir, epoch, rank=0):
    return torch.load(Path(work_dir) / f'table_{epoch}_{rank}.pth')


def assert_equal_tables(one, other):
    assert one.keys() == other.keys() and 'estimator.table' in one
    for name in one:
        assert torch.equal(one[name], other[name]), name


def test_the_training_log(trained):
    assert 'Mean pose of' in trained
    line = next(x for x in trained.splitlines() if 'Epoch(train) [2]' in x)
    for key in (' loss: ', ' loss_cls: ', ' mixed_loss_cls: ', ' top1_acc: '):
        assert key in line
    losses = running.losses_of(trained)
    assert losses[-1] < losses[len(losses) // EPOCHS - 1]


@pytest.mark.slow
def test_killed_and_resumed_has_the_same_table(trained):
    """The weights are the same, too, so mixing was the same."""
    running.train_and_kill('shapmix-values.py', 'killed', 'Epoch(train) [3][')
    assert not list(Path('killed').glob('epoch_3*'))
    output = running.run(
        *(sys.executable, running.TOOLS / 'train.py', 'shapmix-values.py'),
        *('--work-dir', 'killed', '--resume'),
    )
    assert 'Epoch(train) [2]' not in output and 'Mean pose' not in output
    assert_equal_tables(table('killed', 2), table('whole', 2))
    running.assert_same_weights('killed', 'whole', EPOCHS)


@pytest.mark.parametrize('method', ['shapmix', 'shapmix-values'])
@pytest.mark.slow
def test_two_processes_hold_the_same_table(method):
    """At the end of every epoch, before buffers are averaged."""
    output = running.train_distributed(
        f'{method}.py', f'dist-{method}', '--seed', '0'
    )
    assert output.count('Mean pose of') == 1
    for epoch in range(EPOCHS):
        one, other = (table(f'dist-{method}', epoch, r) for r in (0, 1))
        # Seed, rank and iteration make draws differ, but not the table.
        assert (one.pop('seed') - other.pop('seed')).tolist() == [0, -1, 0, 0]
        assert_equal_tables(one, other)
        assert one['estimator.visits'].sum() > 16 * (epoch + 1)


@pytest.mark.slow
def test_two_processes_have_the_same_mean_pose_as_one(trained):
    one = table('whole', 0)['estimator.mean_pose']
    other = table('dist-shapmix-values', 0)['estimator.mean_pose']
    assert one.shape == (1, 25, 3) and one.std() > 0.1
    torch.testing.assert_close(one, other)


def test_the_checkpoint_is_an_ordinary_recognizer(trained):
    """It can be tested with and without a mixer in the config."""
    path = f'whole/epoch_{EPOCHS}.pth'
    metrics = running.metrics_of(trained)
    plain = leaf('ce')
    stages = 'model.backbone.num_stages=3'
    options = (
        *('--cfg-options', stages, 'model.backbone.base_channels=8'),
        *(
            'model.backbone.inflate_stages=[2]',
            'model.cls_head.in_channels=16',
        ),
        'model.backbone.down_stages=[2]',
    )
    ours = running.evaluate('shapmix-values.py', 'tested', path)
    stock = running.evaluate(plain, 'tested_plain', path, *options)
    assert running.metrics_of(ours) == metrics
    assert running.metrics_of(stock) == metrics
