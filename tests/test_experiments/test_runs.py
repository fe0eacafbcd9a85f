"""Settings and commands of runs; for real trainings see test_tools/."""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mmshapmix.experiments.runs import Run, add_ways_to_run, visible_gpus

from ..running import save_checkpoint

CONFIG = """
model = dict(type='RecognizerGCN')
note = 'a variable'
train_cfg = dict(max_epochs=4)
train_dataloader = dict(batch_size=2, num_workers=3)
randomness = dict(seed=7)
log_level = 'INFO'
default_hooks = dict(checkpoint=dict(interval=1), logger=dict(interval=5))
"""


@pytest.fixture
def run(tmp_path):
    config = tmp_path / 'leaf.py'
    config.write_text(CONFIG)
    return Run('a', tmp_path / 'a', config)


def begin(run, weights=0):
    """Save a checkpoint; the note is a copy from another folder."""
    run.folder.mkdir(exist_ok=True)
    save_checkpoint(run.folder / 'epoch_2.pth', weights)
    (run.folder / 'last_checkpoint').write_text('/elsewhere/epoch_2.pth')


def after(command, option):
    """Text after the last occurrence of an option."""
    place = len(command) - 1 - command[::-1].index(option)
    return command[place + 1]


def test_settings_are_those_that_decide(run):
    """Options and the seed count; variables and workers do not."""
    options = ['model.type=x', 'note=other', 'env_cfg.list=[1,2]']
    assert replace(run, options=options).settings() == {
        'model.type': "'x'",
        'train_cfg.max_epochs': '4',
        'train_dataloader.batch_size': '2',
        'env_cfg.list.0': '1',
        'env_cfg.list.1': '2',
        'randomness.seed': '7',
    }
    assert replace(run, seed=3).settings()['randomness.seed'] == '3'


def test_the_settings_of_a_first_stage_count(run, tmp_path):
    second = replace(run, name='b', folder=tmp_path / 'b', first=run)
    settings = second.settings()
    assert settings['first.train_cfg.max_epochs'] == '4'
    begin(second)
    (second.folder / 'settings.json').write_text(json.dumps(settings))
    second.check_settings()
    other = replace(run, options=['train_cfg.max_epochs=5'])
    with pytest.raises(ValueError, match=r'first\.train_cfg\.max_epochs'):
        replace(second, first=other).check_settings()


def test_only_what_has_begun_is_protected(run):
    """A setting may be corrected after an early failure, or by --adopt."""
    other = replace(run, options=['train_cfg.max_epochs=5'])
    run.keep_settings()
    other.keep_settings()
    begin(run)
    other.keep_settings()
    with pytest.raises(ValueError, match='max_epochs: 5 there, 4 now'):
        run.keep_settings()
    run.keep_settings(adopt=True)
    run.check_settings()
    (run.folder / 'settings.json').unlink()
    with pytest.raises(ValueError, match='absent there'):
        run.check_settings()


def test_a_run_trains_and_tests(run):
    job = replace(run, options=['a.b=1'], seed=5).job()
    train, test = job.commands.values()
    assert [*job.commands] == ['train', 'test']
    assert (train[0], test[0]) == ('train', 'test')
    assert train[1]() == test[1]() == run.config
    assert after(train, '--seed')() == '5'
    assert after(test, '--dump') == job.done == run.scores
    for command in (train, test):
        assert after(command, '--cfg-options') == 'a.b=1'
    begin(run)
    assert test[2]() == run.folder / 'epoch_2.pth'


def test_no_path_is_taken_for_an_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('-leaf, [x].py').write_text(CONFIG)
    options = ["model.b='/c, d/e.pkl'"]
    run = Run('a', Path('-work'), Path('-leaf, [x].py'), options)
    begin(run)
    assert run.settings()['model.b'] == repr('/c, d/e.pkl')
    second = replace(
        run, name='b', folder=Path('-other'), first=run, options=[]
    )
    for job in (run.job(adopt=True), second.job(adopt=True)):
        for command in job.commands.values():
            begin(second)
            made = [str(x() if callable(x) else x) for x in command]
            dashed = {arg for arg in made if arg.startswith('-')}
            assert dashed < {
                *('--work-dir', '--seed', '--dump', '--resume'),
                *('--load-from', '--cfg-options'),
            }


@pytest.mark.parametrize('note', [True, False])
def test_it_resumes_only_what_has_begun(run, note):
    """A kill may come between the first checkpoint and its note."""
    assert '--resume' not in run.job().commands['train']
    begin(run)
    if not note:
        (run.folder / 'last_checkpoint').unlink()
    train = run.job().commands['train']
    assert train[-1] == '--resume'


def test_a_second_stage_starts_from_the_first(run, tmp_path):
    second = replace(run, name='b', folder=tmp_path / 'b', first=run)
    job = second.job()
    assert job.after == 'a'
    begin(run)
    load_from = after(job.commands['train'], '--load-from')
    assert load_from() == run.folder / 'epoch_2.pth'
    begin(second)
    train = second.job().commands['train']
    assert train[-1] == '--resume' and '--load-from' not in train


def test_a_run_without_training_tests_the_first(run, tmp_path):
    folder = tmp_path / 'b'
    job = replace(run, folder=folder, first=run, trains=False).job()
    begin(run)
    assert [*job.commands] == ['test']
    assert job.commands['test'][2]() == run.folder / 'epoch_2.pth'


def test_a_config_that_changes_meanwhile_is_refused(run):
    """Each command checks the settings when it starts, and explains errors."""
    train, test = run.job().commands.values()
    assert train[1]() == run.config
    begin(run)
    run.config.write_text(CONFIG.replace('max_epochs=4', 'max_epochs=9'))
    for command in (train, test):
        with pytest.raises(ValueError, match='max_epochs: 4 there, 9 now'):
            command[1]()
    run.job(adopt=True).commands['train'][1]()
    run.check_settings()


@pytest.mark.parametrize('trains', [True, False])
def test_what_came_from_another_first_run_is_refused(run, tmp_path, trains):
    """A first run that was made anew or removed; a copy counts as the same."""
    second = replace(
        run, name='b', folder=tmp_path / 'b', first=run, trains=trains
    )
    begin(run)
    second.keep_settings()
    second.scores.touch()
    os.utime(second.scores, (1e9, 1e9))
    second.check_settings()
    begin(run, weights=1)
    for _ in range(2):
        with pytest.raises(ValueError, match='but 1 of them .*: first: '):
            second.check_settings()
        (run.folder / 'epoch_2.pth').unlink(missing_ok=True)


def test_whether_it_trains_is_a_setting(run, tmp_path):
    second = replace(run, folder=tmp_path / 'b', first=run)
    tested = replace(second, trains=False)
    assert second.settings()['trains'] != tested.settings()['trains']


def test_gpus_are_those_that_one_may_use(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 4)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    assert visible_gpus(['0', '3']) == ['0', '3'] and visible_gpus(None) == []
    with pytest.raises(ValueError, match='among 4 GPUs.*got 4'):
        visible_gpus(['4'])
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '2,5')
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    assert visible_gpus(['1', '0', '1']) == ['5', '2', '5']
    for wrong in ('2', 'cuda:0'):
        with pytest.raises(ValueError, match=f'among 2 GPUs.*got {wrong}'):
            visible_gpus([wrong])
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    for hidden in ('', '2,5'):
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', hidden)
        with pytest.raises(ValueError, match='among 0 GPUs.*got 0'):
            visible_gpus(['0'])


@pytest.mark.parametrize('args', [['--jobs', '0'], ['--jobs=2', '--gpus=0']])
def test_bad_ways_to_run_are_refused(args):
    parser = argparse.ArgumentParser()
    add_ways_to_run(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(args)
