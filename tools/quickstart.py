"""Train and test three models on the embedded long-tailed set, in minutes.

Everything goes through the tools that you would use yourself; the commands
are printed. As many models train at once as there are cores.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmshapmix.analysis.per_class import plot_per_class, read_table

ROOT = Path(__file__).resolve().parents[1]
MODELS = {
    'cross-entropy': 'baseline/stgcnpp_ce_joint_synthetic-lt',
    'balanced softmax': 'baseline/stgcnpp_balanced-softmax_joint_synthetic-lt',
    'Shap-Mix': 'shapmix/stgcnpp_shapmix-values_joint_synthetic-lt',
}
COLUMNS = {
    'overall': 'acc/top1',
    'mean-class': 'acc/mean1',
    'many': 'acc/many',
    'medium': 'acc/medium',
    'few': 'acc/few',
}
PROGRESS = re.compile(r'Epoch\((train|val)\) (\[.*)')
console = Console(highlight=False, soft_wrap=True)


def run(log: Path, *args: object, name: str = '') -> None:
    """Run a tool, keep its output in a log, show its progress.

    Args:
        log: Where the output goes.
        *args: The tool and its arguments.
        name: What its progress is called.

    Raises:
        SystemExit: If it fails; the end of the log has been shown.
    """
    command = [str(arg) for arg in args]
    console.print(f'$ python {shlex.join(command)}', style='dim')
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w') as file:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            # The model is too small for more, and threads that wait for each
            # other on a busy machine are many times slower than one.
            env={'OMP_NUM_THREADS': '1', **os.environ},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for line in process.stdout:
            file.write(line)
            progress = PROGRESS.search(line)
            if progress:
                console.print(f'  {name}: {progress[1]:5} {progress[2]}')
    if process.wait():
        console.print(''.join(log.read_text().splitlines(True)[-20:]))
        sys.exit(f'{command[0]} failed; its whole output: {log}')


def train_and_test(name: str, data: Path, out: Path, passes: int) -> Path:
    """Train and test one model; return its work folder."""
    path = Path('configs') / f'{MODELS[name]}.py'
    work_dir = out / path.stem
    step = partial(run, name=name)
    options = ['--cfg-options'] + [
        f'{part}_dataloader.dataset.{inner}ann_file={data}'
        for part, inner in (('train', 'dataset.'), ('val', ''), ('test', ''))
    ]
    # An epoch of RepeatDataset is up to five passes over the data.
    times = min(passes, 5)
    options += [
        f'train_dataloader.dataset.times={times}',
        f'train_cfg.max_epochs={passes // times}',
    ]
    step(
        work_dir / 'train.log',
        *('tools/train.py', path, '--work-dir', work_dir, '--seed', 0),
        *options,
    )
    checkpoint = last_checkpoint(work_dir)
    step(
        work_dir / 'test.log',
        *('tools/test.py', path, checkpoint, '--work-dir', work_dir / 'test'),
        *options,
    )
    return work_dir


def last_checkpoint(work_dir: Path) -> str:
    """Path of the last checkpoint in a work folder."""
    return (work_dir / 'last_checkpoint').read_text()


def metrics_of(work_dir: Path) -> dict[str, float]:
    """The metrics of the latest test in a work folder."""
    latest = max(work_dir.glob('*/*.json'), key=lambda p: p.stat().st_mtime)
    return json.loads(latest.read_text())


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
    console.rule('The data')
    run(out / 'data.log', 'tools/data/make_synthetic.py', data, '--force')
    console.print((out / 'data.log').read_text())
    console.rule('ST-GCN++ with ' + ', '.join(MODELS))
    train = partial(train_and_test, data=data, out=out, passes=args.passes)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # The last one takes the longest: it starts first.
        work_dirs = [*pool.map(train, reversed(MODELS))][::-1]
    table, tables = Table(title='Accuracy (%)'), {}
    for column in ('model', *COLUMNS):
        table.add_column(column, justify='left')
    for name, work_dir in zip(MODELS, work_dirs, strict=True):
        metrics = metrics_of(work_dir / 'test')
        table.add_row(
            name, *(f'{100 * metrics[key]:.1f}' for key in COLUMNS.values())
        )
        tables[name] = read_table(work_dir / 'test' / 'per_class_test.csv')
    figure = out / 'per_class.png'
    plot_per_class(tables, figure)
    saliency = out / 'saliency.png'
    run(
        out / 'saliency.log',
        *('tools/analysis/plot_saliency.py', last_checkpoint(work_dirs[-1])),
        *('--out', saliency),
    )
    console.rule('Results')
    console.print(table)
    console.print(f'Logs and checkpoints: {out}/*/')
    console.print(f'Accuracy of each class: {figure}')
    console.print(f'Salient parts of classes: {saliency}')
    console.print(f'({time.time() - start:.0f} s)')


if __name__ == '__main__':
    main()
