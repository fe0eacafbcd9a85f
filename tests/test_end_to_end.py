"""Training and testing through the real tools, with a small data set."""

import csv
import os
import pickle
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from mmshapmix.datasets.synthetic.actions import CLASSES

from . import running
from .running import (
    TOOLS,
    call_tool,
    leaf,
    losses_of,
    metrics_of,
    mmaction_tool,
    run,
    run_tool,
    user_folder,
)

LEAF = leaf('balanced-softmax')
STOCK = (
    'mmaction::skeleton/stgcnpp/'
    'stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'
)
EPOCHS = 3
MISMATCH = 'do not match exactly'

# A user's config, which inherits a method and changes a few settings.
CONFIG = f"""
_base_ = {str(LEAF)!r}
train_dataloader = dict(
    batch_size=4, num_workers=1,
    dataset=dict(times=1, dataset=dict(
        long_tail=dict(max_per_class=12, imbalance_ratio=6))))
val_dataloader = dict(batch_size=5, num_workers=0, persistent_workers=False)
test_dataloader = dict(batch_size=5, num_workers=0, persistent_workers=False)
model = dict(
    backbone=dict(
        base_channels=8, num_stages=3, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=16))
train_cfg = dict(max_epochs={EPOCHS})
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(logger=dict(interval=1))
vis_backends = [
    dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=vis_backends)
"""

# MMAction2's own config for the same model and the same data.
STOCK_CONFIG = f"""
_base_ = {STOCK!r}
model = dict(
    backbone=dict(
        base_channels=8, num_stages=3, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(num_classes={len(CLASSES)}, in_channels=16))
test_pipeline = _base_.val_pipeline
test_pipeline[2].clip_len = 32
test_pipeline[4].num_person = 1
test_dataloader = dict(
    batch_size=5, num_workers=0, persistent_workers=False,
    dataset=dict(
        ann_file='data/skeleton/synthetic.pkl', split='val',
        pipeline=test_pipeline))
custom_imports = dict(imports=['mmshapmix'])
"""


train = partial(running.train, 'config.py')
evaluate = partial(running.evaluate, 'config.py')


def checkpoint(work_dir):
    return running.checkpoint(work_dir, EPOCHS)


def assert_same_weights(one, other):
    running.assert_same_weights(one, other, EPOCHS)


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's working folder: config and data."""
    with user_folder(tmp_path_factory.mktemp('user')) as root:
        Path('config.py').write_text(CONFIG)
        Path('stock.py').write_text(STOCK_CONFIG)
        yield root


@pytest.fixture(scope='module')
def trained(folder):
    """Work folder and output of one uninterrupted training."""
    return 'whole', train('whole')


def test_the_training_log(trained):
    _, output = trained
    assert re.search(
        r'Class counts: \d+ samples of 16 classes, 12 .* to 2 ', output
    )
    assert re.search(r'Epoch\(train\) \[1\]\[ *2/.*top1_acc: ', output)
    metrics = metrics_of(output)
    assert {'top1', 'top5', 'mean1', 'few', 'num_few'} <= set(metrics)
    assert 'many' not in metrics and metrics['num_few'] == 16
    # The log has means over 20 steps, here about an epoch.
    losses = losses_of(output)
    assert losses[-1] < losses[len(losses) // EPOCHS - 1] - 0.1


def test_class_counts_are_in_the_checkpoint(trained):
    counts = checkpoint('whole')['meta']['class_counts']
    assert counts[0] == 12 and counts[-1] == 2 and len(counts) == 16


def test_the_per_class_table_lies_beside_the_checkpoint(trained):
    rows = list(csv.DictReader(open(f'whole/per_class_epoch_{EPOCHS}.csv')))
    assert [int(row['train_samples']) for row in rows] == (
        checkpoint('whole')['meta']['class_counts']
    )
    correct = sum(int(row['correct']) for row in rows)
    total = sum(int(row['test_samples']) for row in rows)
    assert total == 48
    top1 = metrics_of(trained[1])['top1']
    assert top1 == pytest.approx(correct / total, abs=1e-4)


def test_tensorboard_has_the_scalars(trained):
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )

    events = next(Path('whole').rglob('events.out.tfevents*'))
    accumulator = EventAccumulator(str(events))
    accumulator.Reload()
    assert {'loss', 'lr', 'acc/few'} <= set(accumulator.Tags()['scalars'])


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(trained):
    """SIGKILL in the middle of epoch 2; the seed is not given again."""
    running.train_and_kill('config.py', 'killed', 'Epoch(train) [2][')
    assert not list(Path('killed').glob('epoch_2*'))
    output = run(
        sys.executable,
        TOOLS / 'train.py',
        'config.py',
        '--work-dir',
        'killed',
        '--resume',
    )
    assert 'Epoch(train) [2][ 1/' in output
    assert 'Epoch(train) [1]' not in output
    assert_same_weights('killed', 'whole')
    assert metrics_of(output) == metrics_of(trained[1])


def test_validation_does_not_disturb_training(trained):
    options = ('--no-validate', '--seed', 0)
    run_tool('train.py', 'config.py', '--work-dir', 'blind', *options)
    assert_same_weights('blind', 'whole')


def test_testing_takes_the_counts_from_the_checkpoint(trained):
    """The result equals the last validation, which has the same pipeline."""
    output = evaluate(
        'tested',
        f'whole/epoch_{EPOCHS}.pth',
        *('--dump', 'scores.pkl', '--cfg-options'),
        'model.cls_head.loss_cls.type=CrossEntropyLoss',
    )
    assert metrics_of(output) == metrics_of(trained[1])
    assert Path('tested/per_class_test.csv').is_file()
    with open('scores.pkl', 'rb') as file:
        dump = pickle.load(file)
    with open('data/skeleton/synthetic.pkl', 'rb') as file:
        data = pickle.load(file)
    labels = {row['frame_dir']: row['label'] for row in data['annotations']}
    assert [row['frame_dir'] for row in dump] == data['split']['val']
    for row in dump:
        assert labels[row['frame_dir']] == row['gt_label'].item()
    top1 = np.mean(
        [row['pred_score'].argmax() == row['gt_label'].item() for row in dump]
    )
    assert metrics_of(output)['top1'] == pytest.approx(top1, abs=1e-4)


@pytest.mark.slow
def test_mmaction2s_own_tools_run_our_configs(trained):
    def theirs(name, *args):
        return run(*mmaction_tool(name), 'config.py', *args)

    seed = ('--cfg-options', 'randomness.seed=0')
    theirs('train.py', '--work-dir', 'theirs', *seed)
    assert_same_weights('theirs', 'whole')
    path = f'whole/epoch_{EPOCHS}.pth'
    output = theirs('test.py', path, '--work-dir', 'tested_theirs')
    assert metrics_of(output) == metrics_of(trained[1])


def test_our_checkpoint_in_the_stock_config(trained):
    output = running.evaluate('stock.py', 'stock', f'whole/epoch_{EPOCHS}.pth')
    assert MISMATCH not in output
    ours = metrics_of(trained[1])
    stock = metrics_of(output)
    for name in ('top1', 'top5', 'mean1'):
        assert stock[name] == pytest.approx(ours[name], abs=1e-4)


def test_a_stock_checkpoint_in_our_config(trained):
    kept = checkpoint('whole')
    stock = dict(meta=dict(epoch=1, iter=1), state_dict=kept['state_dict'])
    torch.save(stock, 'stock.pth')
    output = evaluate('from_stock', 'stock.pth')
    assert MISMATCH not in output
    assert 'does not know the class counts' in output
    ours, theirs = metrics_of(trained[1]), metrics_of(output)
    assert set(theirs) == {'top1', 'top5', 'mean1'}
    assert theirs['top1'] == ours['top1']
    output = train(
        'fine_tuned', 'load_from=stock.pth', 'train_cfg.max_epochs=1'
    )
    assert MISMATCH not in output and 'Load checkpoint from stock' in output
    # The first epoch again, but from trained weights.
    steps = len(losses_of(output))
    assert losses_of(output)[-1] < losses_of(trained[1])[steps - 1] - 0.1


@pytest.fixture(scope='module')
def distributed(folder):
    """Output of a training by two gloo processes, into ``dist``."""
    return running.train_distributed('config.py', 'dist')


@pytest.mark.slow
def test_two_processes_train(distributed):
    counts = checkpoint('dist')['meta']['class_counts']
    steps = len(range(0, sum(counts), 8))  # two processes with four each
    last = rf'Epoch\(train\) \[{EPOCHS}\]\[ *{steps}/{steps}\]'
    assert re.search(last, distributed)
    assert 'current batch size is 8' in distributed
    alone = evaluate('alone', f'dist/epoch_{EPOCHS}.pth')
    assert metrics_of(alone) == metrics_of(distributed)


@pytest.mark.slow
def test_two_processes_test_an_uneven_set(distributed):
    """47 test samples in batches of five: 24 and 23, the last one padded."""
    path = f'dist/epoch_{EPOCHS}.pth'
    options = ('--cfg-options', 'test_dataloader.dataset.indices=47')
    alone = evaluate('one', path, *options)
    args = ('--work-dir', 'both', '--dump', 'both.pkl', *options)
    both = run('bash', TOOLS / 'dist_test.sh', 'config.py', path, 2, *args)
    assert metrics_of(both) == metrics_of(alone)
    tables = [
        Path(w, 'per_class_test.csv').read_text() for w in ('both', 'one')
    ]
    assert tables[0] == tables[1]
    with open('both.pkl', 'rb') as file:
        rows = pickle.load(file)
    assert len(rows) == len({row['frame_dir'] for row in rows}) == 47
    for row in rows:
        probabilities = row['pred_logit'].softmax(0)
        torch.testing.assert_close(row['pred_score'], probabilities)


@pytest.mark.slow
def test_slurm_scripts_hand_everything_on(tmp_path, trained):
    """A stand-in for srun runs one task, as Slurm would."""
    srun = tmp_path / 'srun'
    srun.write_text(
        '#!/usr/bin/env bash\n'
        'while [[ $1 == -* ]]; do echo "srun $1"; '
        '[[ $1 == -p ]] && shift; shift; done\n'
        'SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_NODELIST=me MASTER_ADDR=127.0.0.1'
        ' exec "$@"\n'
    )
    srun.chmod(0o755)
    env = dict(
        os.environ,
        OMP_NUM_THREADS='1',
        PATH=f'{tmp_path}:{os.environ["PATH"]}',
        PYTHON=sys.executable,
        GPUS='1',
        GPUS_PER_NODE='0',
    )
    outputs = []
    for script, args in (
        ('slurm_train.sh', ['--work-dir', 'slurm', '--seed', '0']),
        ('slurm_test.sh', [f'slurm/epoch_{EPOCHS}.pth', '--work-dir', 's2']),
    ):
        result = subprocess.run(
            ['bash', TOOLS / script, 'part', 'job', 'config.py', *args],
            env=env,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr[-3000:]
        assert 'srun --job-name=job' in result.stdout
        assert '--gres' not in result.stdout
        outputs.append(result.stdout + result.stderr)
    assert metrics_of(outputs[1]) == metrics_of(outputs[0])


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['train.py', 'nowhere.py'], 'Expected a config at nowhere.py'),
        (
            ['test.py', 'config.py', 'x.pth', '--dump', 'x.json'],
            'expected a .pkl file, but got x.json',
        ),
    ],
)
def test_bad_arguments(args, message, capsys):
    code = call_tool(*args)
    assert code and message in f'{code} {capsys.readouterr().err}'


@pytest.mark.parametrize(
    'script',
    ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh'],
)
def test_scripts_say_their_usage(script):
    result = subprocess.run(
        ['bash', TOOLS / script, 'one'], capture_output=True, text=True
    )
    assert result.returncode == 2 and 'Usage: bash' in result.stderr
