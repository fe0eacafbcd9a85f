"""BRL through the real tools: its stages, killed, resumed and distributed."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mmshapmix.functional.longtail import long_tail_counts, reverse_frequency

from . import running
from .running import SMALL, leaf, user_folder

EPOCHS = 3
LEAF = leaf('brl')
CONFIG = f"""
_base_ = {str(LEAF)!r}
train_dataloader = dict(
    batch_size=4, num_workers=1, sampler=dict(keep_length=False),
    dataset=dict(times=1, dataset=dict(
        long_tail=dict(max_per_class=12, imbalance_ratio=6))))
"""
CONFIG += (
    SMALL
    + f"""
train_cfg = dict(max_epochs={EPOCHS})
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(logger=dict(interval=1), deferred_loss=dict(begin=1))
"""
)


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's working folder."""
    with user_folder(tmp_path_factory.mktemp('user')) as root:
        Path('brl.py').write_text(CONFIG)
        yield root


@pytest.fixture(scope='module')
def trained(folder):
    """Output of one uninterrupted training, into ``whole``."""
    return running.train('brl.py', 'whole')


def epoch_steps(output):
    """Iterations of an epoch according to the log."""
    (steps,) = set(
        re.findall(r'Epoch\(train\) +\[\d+\]\[ *\d+/(\d+)\]', output)
    )
    return int(steps)


def test_the_training_log(trained):
    counts = long_tail_counts(16, 12, 6)
    draws = np.rint(counts * reverse_frequency(counts)).sum()
    assert epoch_steps(trained) == np.ceil(draws / 4)
    passes = f'{draws / counts.sum():.4g} passes'
    said = (
        f'an epoch has {draws:.0f} draws of {counts.sum()} samples, {passes}'
    )
    assert said in trained
    change = f'epoch 2, iteration {epoch_steps(trained) + 1})'
    assert f'ActionAwareLoss, from here on ({change}' in trained
    line = next(x for x in trained.splitlines() if 'Epoch(train) [2]' in x)
    assert ' loss_cls: ' in line and ' top1_acc: ' in line
    assert 'mixed_loss_cls' not in trained
    losses = running.losses_of(trained)
    assert np.mean(losses[-9:]) < np.mean(losses[:9])


@pytest.mark.slow
def test_killed_in_the_last_stage_and_resumed(trained):
    """Mixing, order, augmentation and loss weights are the same."""
    running.train_and_kill('brl.py', 'killed', 'Epoch(train) [3][')
    assert not list(Path('killed').glob('epoch_3*'))
    output = running.run(
        *(sys.executable, running.TOOLS / 'train.py', 'brl.py'),
        *('--work-dir', 'killed', '--resume'),
    )
    assert 'Epoch(train) [2]' not in output
    assert 'from here on' not in output
    running.assert_same_weights('killed', 'whole', EPOCHS)


@pytest.mark.slow
def test_two_processes_share_an_epoch(trained):
    output = running.train_distributed('brl.py', 'dist', '--seed', '0')
    assert epoch_steps(output) == np.ceil(epoch_steps(trained) / 2)
    assert 'acc/few' in output
