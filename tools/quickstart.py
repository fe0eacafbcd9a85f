"""Train and test three models on the embedded long-tailed set, in minutes.

Everything goes through the tools that you would use yourself; the commands
are printed. As many models train at once as there are cores.
"""

import argparse
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from rich.console import Console

from mmshapmix.analysis.per_class import plot_per_class, read_table
from mmshapmix.analysis.tables import Row, rich_table
from mmshapmix.experiments.jobs import Job, last_checkpoint, run_jobs
from mmshapmix.io.files import replaced

ROOT = Path(__file__).resolve().parents[1]
MODELS = {
    'cross-entropy': 'baseline/ce.py',
    'balanced softmax': 'baseline/balanced-softmax.py',
    'Shap-Mix': 'shapmix/shapmix-values.py',
}
COLUMNS = {
    'overall': 'acc/top1',
    'mean-class': 'acc/mean1',
    'many': 'acc/many',
    'medium': 'acc/medium',
    'few': 'acc/few',
}
console = Console(highlight=False, soft_wrap=True, markup=False)


def run(*jobs: Job) -> None:
    """Run jobs, as many at once as there are cores.

    Raises:
        SystemExit: If one fails; the end of its log has been shown.
    """
    slots = [None] * (os.cpu_count() or 1)
    if run_jobs(jobs, slots, stop=True, console=console):
        sys.exit(1)


def training(name: str, data: Path, out: Path, passes: int) -> Job:
    """The training and the test of one model."""
    # A config, since a path may have what an option does not take.
    config = out / Path(MODELS[name]).name
    with replaced(config) as partial_config:
        partial_config.write_text(
            child_config(MODELS[name], data, passes), encoding='utf-8'
        )
    work_dir = out / config.stem
    train = ['tools/train.py', config, '--work-dir', work_dir, '--seed', 0]
    train.append('--overwrite')  # by what the same seed makes again
    checkpoint = partial(last_checkpoint, work_dir)
    test = ['tools/test.py', config, checkpoint]
    test += ['--work-dir', work_dir / 'test']
    return Job(name, work_dir, dict(train=train, test=test))


def child_config(path: str, data: Path, passes: int) -> str:
    """A method on other data, for a number of passes over them."""
    # An epoch of RepeatDataset is up to five passes over the data.
    times = min(passes, 5)
    dataset = dict(ann_file=str(data))
    changes = dict(
        train_dataloader=dict(dataset=dict(times=times, dataset=dataset)),
        val_dataloader=dict(dataset=dataset),
        test_dataloader=dict(dataset=dataset),
        train_cfg=dict(max_epochs=passes // times),
    )
    base = f"__import__('mmshapmix').method({path!r}, data='synthetic-lt')"
    lines = [f'_base_ = {base}']
    lines += [f'{key} = {value!r}' for key, value in changes.items()]
    return '\n'.join(lines) + '\n'


def row_of(job: Job) -> Row:
    """The accuracies of the latest test of a job."""
    logs = (job.work_dir / 'test').glob('*/*.json')
    latest = max(logs, key=lambda path: path.stat().st_mtime)
    metrics = json.loads(latest.read_text())
    shares = {column: metrics[key] for column, key in COLUMNS.items()}
    return dict(model=job.name, **shares)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/quickstart'),
        help='folder for the data and all results',
    )
    parser.add_argument(
        '--passes',
        type=int,
        default=15,
        help='over the training data: 1 to 5, or a multiple of 5',
    )
    args = parser.parse_args()
    if args.passes < 1 or (args.passes > 5 and args.passes % 5):
        parser.error(
            f'--passes: expected 1 to 5 or a multiple of 5, but got '
            f'{args.passes}'
        )
    return args


def main() -> None:
    start = time.time()
    args = parse_args()
    out = args.work_dir.resolve()
    data = out / 'synthetic.pkl'
    os.chdir(ROOT)
    console.rule('The data')
    script = 'tools/data/make_synthetic.py'
    run(Job('data', out, dict(data=[script, data, '--force'])))
    console.print((out / 'data.log').read_text())
    console.rule('ST-GCN++ with ' + ', '.join(MODELS))
    jobs = [training(name, data, out, args.passes) for name in MODELS]
    run(*reversed(jobs))  # the last one takes the longest: it starts first
    tables = {
        job.name: read_table(job.work_dir / 'test' / 'per_class_test.csv')
        for job in jobs
    }
    figure = out / 'per_class.png'
    plot_per_class(tables, figure)
    saliency = out / 'saliency.png'
    script = 'tools/analysis/plot_saliency.py'
    checkpoint = last_checkpoint(jobs[-1].work_dir)
    plot = [script, checkpoint, '--out', saliency]
    run(Job('figure', out, dict(saliency=plot)))
    console.rule('Results')
    console.print(rich_table([*map(row_of, jobs)], 'Accuracy (%)'))
    console.print(f'Logs and checkpoints: {out}/*/')
    console.print(f'Accuracy of each class: {figure}')
    console.print(f'Salient parts of classes: {saliency}')
    console.print(f'({time.time() - start:.0f} s)')


if __name__ == '__main__':
    main()
