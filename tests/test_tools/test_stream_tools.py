"""run_streams.py with tiny trainings; what it fuses is in test_fusion.py."""

import csv
import json
import os
import re
import runpy
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from rich.console import Console

from mmshapmix.analysis.fusion import PRESETS, accuracies, fuse_streams
from mmshapmix.analysis.scores import Scores, read_streams

from ..running import (
    ROOT,
    TOOLS,
    call_tool,
    contents,
    metrics_of,
    user_folder,
)

LEAF = ROOT / 'configs/baseline/stgcnpp_ce_joint_synthetic-lt.py'
JOINT = f"""
_base_ = {str(LEAF)!r}
custom_imports = dict(imports=['mmshapmix', 'fragile'])
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False,
    dataset=dict(times=5, dataset=dict(
        long_tail=dict(max_per_class=12, imbalance_ratio=6))))
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)
model = dict(
    backbone=dict(
        base_channels=8, num_stages=3, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=16))
train_cfg = dict(max_epochs=1)
auto_scale_lr = dict(base_batch_size=8)
"""
BONE = """
_base_ = 'my_joint_model.py'
train_pipeline = _base_.train_pipeline
val_pipeline = _base_.val_pipeline
for pipeline in (train_pipeline, val_pipeline):
    pipeline[1].feats = ['b']
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=val_pipeline))
default_hooks = dict(fragile=dict(type='Fragile'))
"""


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's working folder: their configs, their hook, and the data.

    Its name is one that commands have to quote.
    """
    with user_folder(tmp_path_factory.mktemp("it's, [x] {y}")) as root:
        Path('my_joint_model.py').write_text(JOINT)
        Path('my_bone_model.py').write_text(BONE)
        yield root


call = partial(call_tool, 'run_streams.py')
RUN = ('my_joint_model.py', '--work-dir', 'work', '--jobs', '2')


@pytest.fixture(scope='module')
def ends(folder):
    """What two calls end with: the first finds a test broken."""
    Path('broken').touch()
    first = call(*RUN)
    kept = Path('work/results.md').read_text()
    os.remove('broken')
    before = contents('work/j')
    second = call(*RUN)
    assert contents('work/j') == before
    return first, kept, second


def test_a_failed_stream_does_not_stop_the_others(ends):
    first, kept, _ = ends
    assert re.match(r'1 of 2 streams failed \(b: work/b/test\.log\)\. ', first)
    assert re.search(r'^\| j \|', kept, re.M) and '| b |' not in kept


def test_the_second_call_does_what_is_left(ends):
    assert ends[2] is None
    log = Path('work/b/train.log').read_text()
    assert 'resumed epoch: 1' in log and 'Epoch(train)' not in log
    assert Path('work/b/test.log').read_text().count('acc/top1') == 1


def test_the_table_is_that_of_the_scores(ends):
    """And of each stream's own test."""
    names = ('j', 'b')
    streams = read_streams({n: Path('work', n, 'scores.pkl') for n in names})
    with open('work/results.csv') as file:
        rows = {row['scores']: row for row in csv.DictReader(file)}
    assert set(rows) == {'j', 'b', '2s'}
    both = fuse_streams(streams, *PRESETS['2s'])
    for name, found in (*streams.items(), ('2s', both)):
        for key, value in accuracies(found).items():
            text = rows[name][key]
            assert (float(text) if text else None) == value
    for name in names:
        logged = metrics_of(Path('work', name, 'test.log').read_text())
        for key, column in (('top1', 'overall'), ('few', 'few')):
            expected = pytest.approx(float(rows[name][column]), abs=1e-4)
            assert logged[key] == expected
    table = Path('work/results.md').read_text()
    share = 100 * float(rows['2s']['overall'])
    assert f'| 2s | j 1 b 1 | {share:.1f} |' in table


def test_streams_are_what_they_are_called(ends):
    """The configs that MMEngine wrote down when it trained and tested."""
    for name, leaf in (('j', 'my_joint_model.py'), ('b', 'my_bone_model.py')):
        train, test = (
            Config.fromfile(Path('work', name, folder, leaf))
            for folder in ('', 'test')
        )
        dataset = train.train_dataloader.dataset.dataset
        assert dataset.pipeline[1].feats == [name]
        assert test.test_dataloader.dataset.pipeline[1].feats == [name]
        assert train.randomness.seed == 0


def test_what_is_done_is_skipped(ends, capsys, monkeypatch):
    """Without starting a process."""
    monkeypatch.setattr(sys, 'executable', '/nowhere')
    before = Path('work/results.csv').read_text()
    assert call(*RUN, '--preset', '2s') is None
    assert Path('work/results.csv').read_text() == before
    printed = capsys.readouterr().out
    assert 'j: was done before' in printed and '│ 2s ' in printed


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (
            ['--seed', '1'],
            r'1 .* others: randomness\.seed: 0 there, 1 now\. Give',
        ),
        (
            ['--cfg-options', 'train_cfg.max_epochs=3', 'env_cfg.x=[1,2]'],
            r'work/j was made, but 3 .*: env_cfg\.x\.0: absent there, 1 now;'
            r' env_cfg\.x\.1: .*; train_cfg\.max_epochs: 1 there, 3 now\.',
        ),
        (['--streams', 'k'], r'a config at my_skip_model\.py'),
        (['--preset', '4s'], r"'4s', but \['jm', 'bm'\] are not among"),
    ],
)
def test_other_settings_are_refused(ends, args, message):
    assert re.search(message, call(*RUN, *args))


def test_a_changed_config_is_refused(ends):
    text = Path('my_bone_model.py').read_text()
    Path('my_bone_model.py').write_text(f'{text}auto_scale_lr = dict(x=1)\n')
    try:
        assert re.search(r'work/b was made.*auto_scale_lr\.x', call(*RUN))
    finally:
        Path('my_bone_model.py').write_text(text)


def test_other_folders_and_configs_are_refused(ends):
    Path('other/j').mkdir(parents=True)
    Path('other/j/epoch_1.pth').touch()
    args = ('my_joint_model.py', '--work-dir', 'other')
    assert re.search(r'settings .* other/j was made, but \d+', call(*args))
    assert '_joint_' in call('my_bone_model.py')


def test_settings_are_kept_beside_the_results(ends):
    settings = json.loads(Path('work/b/settings.json').read_text())
    assert settings['randomness.seed'] == '0'
    assert settings['train_cfg.max_epochs'] == '1'
    key = 'train_dataloader.dataset.dataset.pipeline.1.feats.0'
    assert settings[key] == "'b'"


def test_streams_of_the_leaves():
    """Those that are there, in the order of presets."""
    tool = runpy.run_path(str(TOOLS / 'run_streams.py'))
    config = ROOT / 'configs/baseline/stgcnpp_ce_joint_nw-ucla-lt.py'
    leaves = tool['leaves_of'](config, None)
    assert {'j', 'b', 'jm', 'bm'} <= set(leaves)
    assert leaves['jm'].name == 'stgcnpp_ce_joint-motion_nw-ucla-lt.py'
    assert all(leaf.is_file() for leaf in leaves.values())
    assert [*tool['leaves_of'](config, ['bm', 'j'])] == ['bm', 'j']


def test_a_preset_without_its_scores_is_left_out_and_named(capsys):
    """Dumps of older versions have no logits."""
    tool = runpy.run_path(str(TOOLS / 'run_streams.py'))
    table = np.full((2, 2), 0.5)
    found = Scores('old.pkl', ('x', 'y'), table, np.array([0, 1]))
    scores = dict.fromkeys(PRESETS['shapmix'].weights, found)
    names = ['4s', 'shapmix']
    usable = tool['usable_fusions'](scores, names, Console(soft_wrap=True))
    assert usable == {'4s': PRESETS['4s']}
    printed = capsys.readouterr().out
    assert 'shapmix is left out. Expected logits to fuse, but old' in printed
    scores = dict.fromkeys(scores, replace(found, logits=table))
    usable = tool['usable_fusions'](scores, names, Console())
    assert [*usable] == names
