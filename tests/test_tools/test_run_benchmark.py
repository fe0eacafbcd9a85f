"""run_benchmark.py with tiny trainings, and once with all rows."""

import csv
import os
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import mmshapmix.experiments.runs
from mmshapmix.analysis.scores import read_scores
from mmshapmix.experiments.benchmark import read_benchmark

from ..running import (
    ROOT,
    call_tool,
    checkpoint,
    contents,
    metrics_of,
    user_folder,
)

CONFIGS = ROOT / 'configs/benchmark'
TINY = """
train_dataloader.batch_size=8
train_dataloader.num_workers=0
train_dataloader.persistent_workers=False
train_dataloader.dataset.times=2
train_dataloader.dataset.dataset.long_tail.max_per_class=12
train_dataloader.dataset.dataset.long_tail.imbalance_ratio=6
val_dataloader.num_workers=0
val_dataloader.persistent_workers=False
test_dataloader.num_workers=0
test_dataloader.persistent_workers=False
model.backbone.base_channels=8
model.backbone.num_stages=3
model.backbone.inflate_stages=[2]
model.backbone.down_stages=[2]
model.cls_head.in_channels=16
train_cfg.max_epochs=2
auto_scale_lr.base_batch_size=8
""".split()
HUGE_BATCHES = """
train_dataloader.batch_size=48
train_dataloader.dataset.times=1
val_dataloader.dataset.indices=16
auto_scale_lr.base_batch_size=48
""".split()
TABLE = f"""
seeds: [0]
options: {TINY}
papers: {{x: A paper}}
methods:
  ce:
    label: CE
    config: my_ce.py
    paper: {{synthetic-lt: {{x: [50, 60, 70, 80]}}}}
  crt: {{label: cRT, after: ce, options: [train_cfg.max_epochs=1]}}
  post-hoc: {{label: Post-hoc, after: ce, trains: false}}
  fragile: {{label: Fragile, config: my_fragile.py}}
  second: {{label: Second, config: my_second.py, after: fragile}}
data:
  synthetic-lt: {{label: Synthetic}}
"""
OWN = {
    'ce': ('baseline/ce.py', ''),
    'fragile': (
        'baseline/ce.py',
        "custom_imports = dict(imports=['mmshapmix', 'fragile'])\n"
        "default_hooks = dict(fragile=dict(type='Fragile'))\n",
    ),
    'second': ('benchmark/lws.py', ''),
}


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's working folder: their table, configs, hook, and the data."""
    with user_folder(tmp_path_factory.mktemp('user')) as root:
        Path('mine.yml').write_text(TABLE)
        for name, (method, text) in OWN.items():
            base = f"_base_ = __import__('mmshapmix').method({method!r})\n"
            Path(f'my_{name}.py').write_text(base + text)
        yield root


call = partial(call_tool, 'run_benchmark.py')
WORK = Path('work')
RUN = ('mine.yml', '--work-dir', WORK, '--jobs', '2')


def run_folder(method, seed=0):
    return WORK / f'synthetic-lt/{method}/seed{seed}'


def rows_of(name):
    with (WORK / name).open() as file:
        return {row['method']: row for row in csv.DictReader(file)}


@pytest.fixture(scope='module')
def ends(folder):
    """Exit texts and results of two calls; a test fails in the first."""
    Path('broken').touch()
    first = call(*RUN), (WORK / 'results.md').read_text(), rows_of('runs.csv')
    os.remove('broken')
    before = contents(run_folder('ce'))
    second = call(*RUN)
    assert contents(run_folder('ce')) == before
    return first, second


def test_a_failed_run_does_not_stop_the_others(ends):
    """Rows that start from the failed row fail, too; the table says why."""
    (end, table, runs), _ = ends
    assert re.match(r'2 of 5 runs failed\. The same command', end)
    log = run_folder('fragile') / 'test.log'
    for name, reason in (
        ('fragile', 'test failed (exit status 1)'),
        ('second', 'synthetic-lt/fragile/seed0 failed'),
    ):
        error = f'{reason}: RuntimeError: it is broken ({log})'
        assert f'- synthetic-lt/{name}/seed0: {error}' in table
        assert (runs[name]['overall'], runs[name]['error']) == ('', error)
    assert re.search(r'^\| Fragile \| - \|', table, re.M)
    assert re.search(r'^\| cRT \| brl \| 1 \| \d', table, re.M)


def test_the_second_call_does_what_is_left(ends):
    assert ends[1] is None
    log = (run_folder('fragile') / 'train.log').read_text()
    assert 'resumed epoch: 2' in log and 'Epoch(train)' not in log
    assert 'Failed' not in (WORK / 'results.md').read_text()
    assert not any(row['error'] for row in rows_of('runs.csv').values())


def test_the_table_is_that_of_the_tests(ends):
    table = rows_of('results.csv')
    assert [*table] == ['ce', 'crt', 'post-hoc', 'fragile', 'second']
    for name, row in table.items():
        logged = metrics_of((run_folder(name) / 'test.log').read_text())
        for key, column in (('top1', 'overall'), ('few', 'few')):
            expected = pytest.approx(float(row[column]), abs=1e-4)
            assert logged[key] == expected
    assert float(table['ce']['x few']) == 0.8
    text = (WORK / 'results.md').read_text()
    assert '| A paper |' in text and '50.0 / 60.0 / 70.0 / 80.0' in text


def test_second_stages_start_from_the_first(ends):
    """The backbone is cross-entropy's, including its statistics."""
    first = checkpoint(run_folder('ce'), 2)['state_dict']
    second = checkpoint(run_folder('crt'), 1)['state_dict']
    assert first.keys() == second.keys()
    for name, value in first.items():
        same = torch.equal(value, second[name])
        assert same == name.startswith('backbone.')


def test_a_row_without_training_tests_the_first(ends):
    """Scores of its checkpoint, divided by the class frequencies."""
    assert not [*run_folder('post-hoc').glob('*.pth')]
    plain, adjusted = (
        read_scores(run_folder(name) / 'scores.pkl')
        for name in ('ce', 'post-hoc')
    )
    assert plain.names == adjusted.names
    expected = plain.scores / plain.class_counts
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(adjusted.scores, expected, rtol=1e-3)
    assert np.abs(adjusted.scores - plain.scores).max() > 0.01


def test_an_interrupted_call_leaves_its_table(ends, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(mmshapmix.experiments.runs, 'run_jobs', interrupt)
    table = WORK / 'results.md'
    text = table.read_text()
    table.unlink()
    assert 'The same command goes on' in call(*RUN, '--seeds', '5')
    assert table.read_text() == text


def test_more_seeds_make_a_mean(ends):
    """The rows of the other methods stay."""
    assert call(*RUN, '--seeds', '1', '--methods', 'ce') is None
    table = rows_of('results.csv')
    logs = [run_folder('ce', seed) / 'test.log' for seed in (0, 1)]
    overall = [metrics_of(log.read_text())['top1'] for log in logs]
    row = table['ce']
    assert row['seeds'] == '2' and table['crt']['seeds'] == '1'
    expected = pytest.approx(np.mean(overall), abs=1e-4)
    assert float(row['overall']) == expected
    expected = pytest.approx(np.std(overall, ddof=1), abs=1e-4)
    assert float(row['overall std']) == expected
    assert ' ± ' in (WORK / 'results.md').read_text()


@pytest.mark.parametrize('args', [(), ('--report',)])
def test_what_is_done_is_not_done_again(ends, capsys, monkeypatch, args):
    """No process is started, and the table is the same."""
    monkeypatch.setattr(sys, 'executable', '/nowhere')
    before = (WORK / 'results.csv').read_text()
    assert call(*RUN, *args) is None
    assert (WORK / 'results.csv').read_text() == before
    printed = capsys.readouterr().out
    assert ('synthetic-lt/crt/seed0: was done before' in printed) != bool(args)
    assert '│ cRT ' in printed


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (
            ['--cfg-options', 'train_cfg.max_epochs=3'],
            r'seed0 was made, .*max_epochs: 2 there, 3 now\.',
        ),
        (['--methods', 'nope'], r"`--methods` in \('ce', .* got 'nope'"),
        (['--data', 'nope'], r"a data file, or one of .* got 'nope'"),
        (['--work-dir', 'no', '--report'], 'in no, but there is no such'),
    ],
)
def test_bad_calls_are_refused(ends, args, message):
    before = contents(WORK)
    assert re.search(message, call(*RUN, *args))
    assert contents(WORK).keys() == before.keys()


def test_runs_of_other_settings_do_not_share_a_row(ends):
    """Also if only another seed or a second stage is run, or nothing."""
    leaf = Path('my_ce.py')
    text = leaf.read_text()
    leaf.write_text(f'{text}optim_wrapper = dict(optimizer=dict(lr=1))\n')
    try:
        for args in (['--seeds', '7'], ['--methods', 'crt'], ['--report']):
            found = call('mine.yml', '--work-dir', WORK, *args)
            assert re.search(r'optimizer\.lr: 0\.1 there, 1 now', found)
    finally:
        leaf.write_text(text)


def test_a_leaf_that_changes_meanwhile_leaves_no_table(ends, monkeypatch):
    """The first seed is trained before the change, another after it."""
    leaf = Path('my_ce.py')
    text, table = leaf.read_text(), (WORK / 'results.md').read_text()

    def edit(*args, **kwargs):
        leaf.write_text(f'{text}optim_wrapper = dict(optimizer=dict(lr=1))\n')
        return {}

    monkeypatch.setattr(mmshapmix.experiments.runs, 'run_jobs', edit)
    try:
        assert re.search(r'optimizer\.lr: 0\.1 there, 1 now', call(*RUN))
    finally:
        leaf.write_text(text)
    assert (WORK / 'results.md').read_text() == table


def run_here(jobs, slots):
    """Run jobs one after another in this process."""
    for job in jobs:
        for tool, *args in job.commands.values():
            call_tool(tool, *(a() if callable(a) else a for a in args))
    return {job.name: job.work_dir for job in jobs if not job.done.is_file()}


@pytest.mark.parametrize(
    'changes', [HUGE_BATCHES, pytest.param([], marks=pytest.mark.slow)]
)
def test_all_rows_on_the_synthetic_set(folder, changes, monkeypatch):
    """No row gives the results of cross-entropy.

    All rows train in this process, for four iterations or for four passes
    over the data.
    """
    base, work = CONFIGS / 'synthetic.yml', f'all-{len(changes)}'
    monkeypatch.setattr(mmshapmix.experiments.runs, 'run_jobs', run_here)
    Path('all.yml').write_text(f'_base_: {base}\noptions: {TINY + changes}\n')
    assert call('all.yml', '--work-dir', work) is None
    with open(f'{work}/results.csv') as file:
        rows = [*csv.DictReader(file)]
    assert [r['method'] for r in rows] == [*read_benchmark(base).methods]
    assert all(0 < float(row['overall']) <= 1 for row in rows)
    scores = {
        row['method']: read_scores(
            f'{work}/synthetic-lt/{row["method"]}/seed0/scores.pkl'
        ).scores
        for row in rows
    }
    plain = scores.pop('ce')
    same = [name for name in scores if np.array_equal(scores[name], plain)]
    assert not same
