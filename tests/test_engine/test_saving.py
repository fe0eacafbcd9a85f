"""Checkpoints are complete or absent; see also tests/drills/kill.py."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.registry import HOOKS

from mmshapmix.engine.saving import SafeCheckpointHook

from .tiny import tiny_runner


class Killed(BaseException):
    """Raised in place of the end of a killed process."""


def checkpoint(**options):
    hook = dict(type='CheckpointHook', interval=1, **options)
    return dict(default_hooks=dict(checkpoint=hook))


BEST = checkpoint(max_keep_ckpts=1, save_best='acc', rule='greater')


def names(folder):
    """Names of all files but the configs, whose names contain the time."""
    files = [path for path in Path(folder).iterdir() if path.is_file()]
    return {path.name for path in files if path.suffix != '.py'}


@pytest.fixture
def killed_at(monkeypatch):
    """Let a process end at the n-th call of a function that changes files."""

    def kill(function, number):
        calls = iter(range(10**6))
        original = getattr(os, function)

        def wrapped(*args, **kwargs):
            if next(calls) == number:
                monkeypatch.setattr(os, function, original)
                raise Killed
            return original(*args, **kwargs)

        monkeypatch.setattr(os, function, wrapped)

    return kill


@pytest.mark.parametrize('function', ['fsync', 'replace', 'remove'])
@pytest.mark.parametrize('number', [0, 1, 3, 4, 6])
def test_a_kill_leaves_the_newest_whole_and_nothing_else(
    tmp_path, killed_at, function, number
):
    """Each epoch has a new best result, and one checkpoint is kept."""
    whole = tiny_runner(tmp_path / 'a', **BEST)
    whole.train()
    killed_at(function, number)
    with contextlib.suppress(Killed):
        tiny_runner(tmp_path / 'b', **BEST).train()
    for path in (tmp_path / 'b').glob('*.pth'):
        torch.load(path, weights_only=True)
    rest = tiny_runner(tmp_path / 'b', **BEST, resume=True)
    rest.train()
    assert names(tmp_path / 'a') == names(tmp_path / 'b')
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, rest.model.state_dict()[name])


def test_the_old_one_stays_until_the_new_one_is_there(tmp_path, monkeypatch):
    seen = []
    replace = os.replace

    def watch(source, target):
        if str(target).endswith('.pth'):
            seen.append(names(tmp_path))
        replace(source, target)

    monkeypatch.setattr(os, 'replace', watch)
    tiny_runner(tmp_path, **BEST).train()
    for before in seen[1:]:
        assert any(name.endswith('.pth') for name in before)
    last = {'epoch_3.pth', 'best_acc_epoch_3.pth', 'last_checkpoint'}
    assert names(tmp_path) == last


@pytest.mark.parametrize('number', [2, 5])  # writes epoch 2, or its best file
def test_a_full_disk_is_said_and_loses_nothing(tmp_path, monkeypatch, number):
    calls = iter(range(10**6))
    fsync = os.fsync

    def full(file):
        if next(calls) >= number * 2:
            raise OSError(errno.ENOSPC, 'No space left on device')
        fsync(file)

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space left.*go on with --resume'):
        tiny_runner(tmp_path, **BEST).train()
    assert not [name for name in names(tmp_path) if 'partial' in name]
    monkeypatch.setattr(os, 'fsync', fsync)
    tiny_runner(tmp_path, **BEST, resume=True).train()
    last = {'epoch_3.pth', 'best_acc_epoch_3.pth', 'last_checkpoint'}
    assert names(tmp_path) == last


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    ours = tmp_path / 'epoch_2.pth.4711.partial'
    theirs = tmp_path / 'notes.partial'
    for path in (ours, theirs):
        path.write_text('half')
    tiny_runner(tmp_path, epochs=1).train()
    assert theirs.exists() and not ours.exists()


def test_a_copy_leaves_the_best_of_the_original_alone(tmp_path):
    one, copy = tmp_path / 'one', tmp_path / 'copy'
    tiny_runner(one, epochs=1, **BEST).train()
    shutil.copytree(one, copy)
    before = names(one)
    tiny_runner(copy, **BEST, resume=True).train()
    assert (
        names(one)
        == before
        == {
            'epoch_1.pth',
            'best_acc_epoch_1.pth',
            'last_checkpoint',
        }
    )
    assert {n for n in names(copy) if 'best' in n} == {'best_acc_epoch_3.pth'}
    saved = torch.load(copy / 'epoch_3.pth', weights_only=True)
    hub = saved['message_hub']['runtime_info']
    assert hub['best_ckpt'] == str(copy / 'best_acc_epoch_3.pth')


def test_several_bests_are_kept_apart(tmp_path):
    hooks = checkpoint(save_best=['acc', 'loss'], rule=['greater', 'less'])

    def run(epochs, **options):
        runner = tiny_runner(tmp_path, epochs, **hooks, **options)
        (metric,) = runner.val_loop.evaluator.metrics
        compute = metric.compute_metrics
        # By the second metric, the first epoch remains the best.
        metric.compute_metrics = lambda results: {
            **compute(results),
            'loss': float(runner.epoch),
        }
        runner.train()

    run(2)
    run(3, resume=True)
    best = {name for name in names(tmp_path) if name.startswith('best')}
    assert best == {'best_acc_epoch_3.pth', 'best_loss_epoch_1.pth'}


def test_a_folder_for_checkpoints_of_its_own(tmp_path):
    hooks = checkpoint(out_dir=str(tmp_path / 'out'))
    tiny_runner(tmp_path / 'work', epochs=2, **hooks).train()
    assert (tmp_path / 'out/work/epoch_2.pth').is_file()
    rest = tiny_runner(tmp_path / 'work', **hooks, resume=True)
    rest.train()
    assert {*rest.spy.seen} == {'train 3', 'validate 3'}


def test_every_config_has_it(tmp_path):
    """Our configs and stock ones, with the hook given by name or class."""
    (hook,) = [
        hook
        for hook in tiny_runner(tmp_path).hooks
        if 'Checkpoint' in type(hook).__name__
    ]
    assert type(hook) is SafeCheckpointHook
    assert HOOKS.get('CheckpointHook') is SafeCheckpointHook
    from mmengine.hooks import CheckpointHook

    assert CheckpointHook is SafeCheckpointHook


def test_local_files_are_written_at_once(tmp_path, monkeypatch):
    path = tmp_path / 'a' / 'file'
    backend = LocalBackend()
    backend.put(b'old', str(path))
    assert path.read_bytes() == b'old'
    monkeypatch.setattr(os, 'fsync', lambda file: 1 / 0)
    for put, text in ((backend.put, b'new'), (backend.put_text, 'new')):
        with pytest.raises(ZeroDivisionError):
            put(text, path)
        assert path.read_text() == 'old' and names(path.parent) == {'file'}


def test_what_is_no_file_is_written_to():
    LocalBackend().put(b'nothing', '/dev/null')
    assert not Path('/dev/null').is_file()
