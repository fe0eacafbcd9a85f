"""Train and test three models on the embedded long-tailed set, in minutes.

Each seed sets the training data, the 960 test samples and the training. The
table has the mean and the sample standard deviation over the seeds, and the
lines below it say which paired differences are more than noise. Compared with
``synthetic-lt``, clips are shorter and the model has half the channels, to
save time for several seeds and enough passes: after 10 passes, Shap-Mix is
behind balanced softmax. The quickstart runs the tools that you would use
yourself, and prints its commands. As many models are trained at once as there
are cores.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev

from rich.console import Console
from scipy.stats import ttest_1samp

from ..analysis.per_class import plot_per_class, read_table
from ..analysis.tables import Row, rich_table
from ..experiments.benchmark import spread
from ..experiments.jobs import Job, last_checkpoint, run_jobs
from ..io.files import replaced

MODELS = {
    'cross-entropy': 'baseline/ce.py',
    'balanced softmax': 'baseline/balanced-softmax.py',
    'Shap-Mix': 'shapmix/shapmix-values.py',
}
# All classes have equally many test samples, so the mean over the classes is
# the overall accuracy.
COLUMNS = {
    'overall': 'acc/top1',
    'many': 'acc/many',
    'medium': 'acc/medium',
    'few': 'acc/few',
}
TESTED = 'overall', 'few'  # columns whose differences are tested
LEVEL = 0.05
VAL_PER_CLASS = 60
Shares = dict[str, float]
"""Accuracy of each column, in [0, 1]."""
# The config of a method with other data, shorter clips, fewer channels, and a
# normalisation that is the same as MMAction2's, but faster. An epoch of
# RepeatDataset is up to five passes over the data.
CONFIG = """\
_base_ = __import__('mmshapmix').method({path!r}, data='synthetic-lt')
changes = dict(
    UniformSampleFrames=dict(clip_len=12),
    PreNormalize3D=dict(type='mmshapmix.PreNormalize3D'))
train_pipeline, val_pipeline = [
    [dict(stage, **changes.get(stage['type'], {{}})) for stage in pipeline]
    for pipeline in (_base_.train_pipeline, _base_.val_pipeline)
]
data_file = {data!r}
dataset = dict(ann_file=data_file, pipeline=train_pipeline)
workers = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(
    dataset=dict(times={times}, dataset=dataset), **workers)
dataset = dict(ann_file=data_file, pipeline=val_pipeline)
val_dataloader = test_dataloader = dict(dataset=dataset, **workers)
train_cfg = dict(max_epochs={epochs})
model = dict(
    backbone=dict(base_channels=8), cls_head=dict(in_channels=32))
"""
console = Console(highlight=False, soft_wrap=True, markup=False)


def run(*jobs: Job) -> None:
    """Run jobs, as many at once as there are cores.

    Raises:
        SystemExit: If a job fails, after the end of its log is shown.
    """
    slots = [None] * (os.cpu_count() or 1)
    if run_jobs(jobs, slots, stop=True, console=console):
        sys.exit(1)


def data_job(seed: int, out: Path) -> Job:
    """Job that makes the data of a seed."""
    options = ['--val-per-class', VAL_PER_CLASS, '--seed', seed, '--force']
    data = ['synthetic', out / 'synthetic.pkl', *options]
    return Job(f'data, seed {seed}', out, dict(data=data))


def training(name: str, seed: int, out: Path, passes: int) -> Job:
    """Job that trains and tests one model on the data of a seed."""
    # The path of the data is written into a config, since --cfg-options does
    # not take every character of a path.
    config = out / Path(MODELS[name]).name
    with replaced(config) as partial_config:
        partial_config.write_text(
            child_config(MODELS[name], out / 'synthetic.pkl', passes),
            encoding='utf-8',
        )
    work_dir = out / config.stem
    train = ['train', config, '--work-dir', work_dir, '--seed', seed]
    train += ['--no-validate']  # only the last weights are tested
    train += ['--overwrite']  # the same seed gives the same results
    checkpoint = partial(last_checkpoint, work_dir)
    test = ['test', config, checkpoint]
    test += ['--work-dir', work_dir / 'test']
    return Job(f'{name}, seed {seed}', work_dir, dict(train=train, test=test))


def child_config(path: str, data: Path, passes: int) -> str:
    """Text of the config of a method, with other data and passes."""
    times = min(passes, 5)
    return CONFIG.format(
        path=path, data=str(data), times=times, epochs=passes // times
    )


def shares_of(job: Job) -> Shares:
    """Accuracies of the latest test of a job."""
    logs = (job.work_dir / 'test').glob('*/*.json')
    latest = max(logs, key=lambda path: path.stat().st_mtime)
    metrics = json.loads(latest.read_text())
    return {column: metrics[key] for column, key in COLUMNS.items()}


def row_of(model: str, runs: Sequence[Shares]) -> Row:
    """Mean and sample standard deviation of each column, as text."""
    row = dict(model=model)
    for column in COLUMNS:
        values = [run[column] for run in runs]
        row[column] = spread(
            mean(values), stdev(values) if len(values) > 1 else None
        )
    return row


def comparisons(runs: Mapping[str, Sequence[Shares]]) -> list[str]:
    """Lines that say, for each pair of models, whether they differ.

    Args:
        runs: Accuracies of each model, one for each seed. The seeds of all
            models are the same.
    """
    if len(next(iter(runs.values()))) < 2:
        return ['One seed does not tell differences from noise.']
    lines = ['Paired differences over the seeds (t-test at the 5 % level):']
    for first, second in combinations(runs, 2):
        parts = []
        for column in TESTED:
            differences = [
                b[column] - a[column]
                for a, b in zip(runs[first], runs[second], strict=True)
            ]
            middle, sure = mean(differences), is_sure(differences)
            verdict = 'more than noise' if sure else 'within noise'
            parts.append(f'{column} {100 * middle:+.1f} ({verdict})')
        lines.append(f'  {second} against {first}: {", ".join(parts)}')
    return lines


def is_sure(differences: Sequence[float]) -> bool:
    """Return whether the mean differs from 0 at the 5 % level."""
    if stdev(differences) == 0:
        return differences[0] != 0
    return bool(ttest_1samp(differences, 0).pvalue < LEVEL)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s --seeds 0 1 --passes 5',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/quickstart'),
        help='folder for the data and all results',
    )
    parser.add_argument(
        '--passes',
        type=int,
        default=20,
        help='passes over the training data: 1 to 5, or a multiple of 5',
    )
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        default=[0, 1, 2],
        help='seeds of the data and of training; at least two are needed to '
        'tell differences from noise',
    )
    args = parser.parse_args(argv)
    if len({*args.seeds}) < len(args.seeds) or min(args.seeds) < 0:
        parser.error(
            f'--seeds: expected different numbers from 0, but got {args.seeds}'
        )
    if args.passes < 1 or (args.passes > 5 and args.passes % 5):
        parser.error(
            f'--passes: expected 1 to 5 or a multiple of 5, but got '
            f'{args.passes}'
        )
    return args


def main(argv: Sequence[str] | None = None) -> None:
    start = time.time()
    args = parse_args(argv)
    out = args.work_dir.resolve()
    folders = {seed: out / f'seed{seed}' for seed in args.seeds}
    console.rule('The data')
    run(*(data_job(seed, folder) for seed, folder in folders.items()))
    first = folders[args.seeds[0]]
    console.print((first / 'data.log').read_text())
    console.rule('ST-GCN++ with ' + ', '.join(MODELS))
    jobs = {
        name: [training(name, s, f, args.passes) for s, f in folders.items()]
        for name in MODELS
    }
    # The last model takes the longest: it starts first.
    run(*(job for name in reversed(MODELS) for job in jobs[name]))
    tables = {
        name: read_table(of_model[0].work_dir / 'test' / 'per_class_test.csv')
        for name, of_model in jobs.items()
    }
    figure = out / 'per_class.png'
    plot_per_class(tables, figure)
    saliency = out / 'saliency.png'
    checkpoint = last_checkpoint(jobs['Shap-Mix'][0].work_dir)
    plot = ['saliency', checkpoint, '--out', saliency]
    run(Job('figure', out, dict(saliency=plot)))
    console.rule('Results')
    runs = {name: [*map(shares_of, jobs[name])] for name in jobs}
    title = f'Accuracy (%), seeds {", ".join(map(str, args.seeds))}'
    rows = [row_of(name, of_model) for name, of_model in runs.items()]
    console.print(rich_table(rows, title))
    console.print('\n'.join(comparisons(runs)))
    console.print(f'Logs and checkpoints: {out}/seed*/*/')
    console.print(f'Accuracy of each class, first seed: {figure}')
    console.print(f'Salient parts of classes, first seed: {saliency}')
    console.print(f'({time.time() - start:.0f} s)')
