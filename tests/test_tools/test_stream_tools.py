"""run_streams.py with tiny trainings; for fusions see test_fusion.py."""

import csv
import json
import os
import re
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
from mmshapmix.cli import streams
from mmshapmix.words import method_files

from ..running import (
    SMALL,
    call_tool,
    contents,
    metrics_of,
    user_folder,
)

CONFIG = """
_base_ = __import__('mmshapmix').method(
    'baseline/ce.py', data='synthetic-lt')
custom_imports = dict(imports=['mmshapmix', 'fragile'])
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False,
    dataset=dict(times=5, dataset=dict(
        long_tail=dict(max_per_class=12, imbalance_ratio=6))))
"""
CONFIG += (
    SMALL
    + """
train_cfg = dict(max_epochs=1)
auto_scale_lr = dict(base_batch_size=8)
if _base_.stream == 'b':
    default_hooks = dict(fragile=dict(type='Fragile'))
"""
)


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's working folder: their configs, their hook, and the data.

    Commands must quote the name of the folder.
    """
    with user_folder(tmp_path_factory.mktemp("it's, [x] {y}")) as root:
        Path('my_model.py').write_text(CONFIG)
        yield root


call = partial(call_tool, 'run_streams.py')
RUN = ('my_model.py', '--streams', 'j', 'b', '--work-dir', 'work', '--jobs', 2)


@pytest.fixture(scope='module')
def ends(folder):
    """Exit texts of two calls; a test fails in the first."""
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
    """Each stream's own test gives the same."""
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
    assert f'| 2s | baseline | j 1 b 1 | {share:.1f} |' in table


def test_streams_are_what_they_are_called(ends):
    """The configs that MMEngine saved in training and testing show it."""
    for name in ('j', 'b'):
        train, test = (
            Config.fromfile(Path('work', name, folder, 'my_model.py'))
            for folder in ('', 'test')
        )
        dataset = train.train_dataloader.dataset.dataset
        assert dataset.pipeline[1].feats == [name]
        assert test.test_dataloader.dataset.pipeline[1].feats == [name]
        assert train.randomness.seed == 0


def test_what_is_done_is_skipped(ends, capsys, monkeypatch):
    """No process is started."""
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
            r'1 of them differ: randomness\.seed: 0 there, 1 now\. Give',
        ),
        (
            ['--cfg-options', 'train_cfg.max_epochs=3', 'env_cfg.x=[1,2]'],
            r'work/j was made, but 3 .*: env_cfg\.x\.0: absent there, 1 now;'
            r' env_cfg\.x\.1: .*; train_cfg\.max_epochs: 1 there, 3 now\.',
        ),
        (['--data', 'nowhere'], r'the path of a data file, or one of'),
        (['--preset', '4s'], r"'4s', but \['jm', 'bm'\] are not among"),
    ],
)
def test_other_settings_are_refused(ends, args, message):
    assert re.search(message, call(*RUN, *args))


def test_a_changed_config_is_refused(ends):
    text = Path('my_model.py').read_text()
    Path('my_model.py').write_text(f"{text}    env_cfg = dict(x='b')\n")
    try:
        assert re.search(r'work/b was made.*env_cfg\.x', call(*RUN))
    finally:
        Path('my_model.py').write_text(text)


def test_other_folders_and_configs_are_refused(ends):
    Path('other/j').mkdir(parents=True)
    Path('other/j/epoch_1.pth').touch()
    args = ('my_model.py', '--work-dir', 'other', '--streams', 'j')
    assert re.search(r'settings .* other/j was made, but \d+', call(*args))
    Path('stock.py').write_text('model = dict()\n')
    assert 'a config that reads' in call('stock.py')
    fixed = Path('fixed.py')
    fixed.write_text(CONFIG.replace("-lt')", "-lt', stream='k')"))
    assert "which the config says, but got MMSHAPMIX_STREAM='j'" in call(fixed)


def test_settings_are_kept_beside_the_results(ends):
    settings = json.loads(Path('work/b/settings.json').read_text())
    assert settings['randomness.seed'] == '0'
    assert settings['train_cfg.max_epochs'] == '1'
    key = 'train_dataloader.dataset.dataset.pipeline.1.feats.0'
    assert settings[key] == "'b'"


def test_streams_of_the_recipe():
    """The streams of its paper, in the order of presets, or chosen ones."""

    def runs(*args):
        return streams.runs_of(streams.parse_args([*map(str, args)]))

    method = method_files()['ce']
    found = runs(method, '--data', 'nw-ucla-lt', '--recipe', 'shapmix')
    assert [run.name for run in found] == ['j', 'b', 'jm', 'bm']
    folder = Path('work_dirs/shapmix/stgcnpp_ce_streams_nw-ucla-lt')
    assert {run.folder.parent for run in found} == {folder}
    assert found[2].words == dict(
        data='nw-ucla-lt', recipe='shapmix', stream='jm'
    )
    found = runs(method, '--recipe', 'brl')
    assert [run.name for run in found] == ['j', 'b', 'k', 'jm', 'bm', 'km']
    assert [r.name for r in runs(method, '--streams', 'bm', 'j')] == [
        'bm',
        'j',
    ]


def test_a_preset_without_its_scores_is_left_out_and_named(capsys):
    """Dumped scores of older versions have no logits."""
    table = np.full((2, 2), 0.5)
    found = Scores('old.pkl', ('x', 'y'), table, np.array([0, 1]))
    scores = dict.fromkeys(PRESETS['shapmix'].weights, found)
    names = ['4s', 'shapmix']
    usable = streams.usable_fusions(scores, names, Console(soft_wrap=True))
    assert usable == {'4s': PRESETS['4s']}
    printed = capsys.readouterr().out
    assert 'shapmix is left out. Expected logits to fuse, but old' in printed
    scores = dict.fromkeys(scores, replace(found, logits=table))
    usable = streams.usable_fusions(scores, names, Console())
    assert [*usable] == names
