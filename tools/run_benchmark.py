"""Train and test methods × seeds × data sets, and fill their table.

A table file says which; those of configs/benchmark have all methods. Each run
has a folder in the work folder. What is done is not done again, and what was
interrupted or has failed goes on: give the same command again.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path

from rich.console import Console

from mmshapmix.analysis.benchmark import (
    Benchmark,
    Result,
    read_benchmark,
    readable,
    result_rows,
    run_row,
)
from mmshapmix.analysis.fusion import accuracies
from mmshapmix.analysis.scores import read_scores
from mmshapmix.analysis.tables import markdown_table, rich_table, write_csv
from mmshapmix.cli import run_tool
from mmshapmix.functional.checks import check_choice
from mmshapmix.jobs import locked
from mmshapmix.runs import Run, add_ways_to_run, do_runs

TOOLS = Path(__file__).resolve().parent
ERROR = 'error.txt'

Key = tuple[str, str, int]
"""Method, data set and seed of a run."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'table',
        type=Path,
        help='table file, such as configs/benchmark/full.yml',
    )
    parser.add_argument(
        '--methods', nargs='+', help='default: all of the table'
    )
    parser.add_argument('--data', nargs='+', help='default: all of the table')
    parser.add_argument(
        '--seeds', nargs='+', type=int, help="default: the table's"
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='default: work_dirs/benchmark_ and the name of the table',
    )
    parser.add_argument(
        '--report',
        action='store_true',
        help='run nothing: write the table of what there is',
    )
    add_ways_to_run(parser)
    return parser.parse_args()


def runs_of(
    benchmark: Benchmark,
    seeds: Iterable[int],
    options: Sequence[str],
    work_dir: Path,
) -> dict[Key, Run]:
    """The runs of the table: all of a seed, then all of the next."""
    runs: dict[Key, Run] = {}
    for seed, data, name in product(seeds, benchmark.data, benchmark.methods):
        method, place = benchmark.methods[name], benchmark.data[data]
        label = f'{data}/{name}/seed{seed}'
        own = [*benchmark.options, *place.options, *method.options]
        runs[name, data, seed] = Run(
            label,
            work_dir / label,
            benchmark.config(name, data),
            [*own, *options],
            seed,
            runs.get((method.after, data, seed)),
            method.trains,
        )
    return runs


def chosen_runs(
    runs: Mapping[Key, Run], benchmark: Benchmark, args: argparse.Namespace
) -> list[Run]:
    """Those that the arguments name, and those that these start from.

    Raises:
        ValueError: If the table has no such method or data set.
    """
    wanted = [*(args.methods or benchmark.methods)]
    for method in wanted:  # which grows meanwhile
        check_choice('--methods', method, tuple(benchmark.methods))
        first = benchmark.methods[method].after
        wanted += [first] if first else []
    for data in args.data or []:
        check_choice('--data', data, tuple(benchmark.data))
    kept = wanted, args.data or benchmark.data, args.seeds or benchmark.seeds
    return [
        run
        for key, run in runs.items()
        if all(part in names for part, names in zip(key, kept, strict=True))
    ]


def keep_errors(runs: Iterable[Run], failed: Mapping[str, Path]) -> None:
    """Write down why runs have failed, for the table."""
    for run in runs:
        path = run.folder / ERROR
        path.unlink(missing_ok=True)
        if run.name in failed:
            log = failed[run.name]
            lines = [*filter(None, log.read_text().splitlines())]
            path.write_text(f'{lines[-1] if lines else "no output"} ({log})')


def results_of(runs: Mapping[Key, Run]) -> list[Result]:
    """What the runs came to, without those that have not run."""
    results = []
    for key, run in runs.items():
        error = run.folder / ERROR
        if run.scores.exists():
            found = accuracies(read_scores(run.scores))
            results.append(Result(*key, found))
        elif error.exists():
            results.append(Result(*key, None, error.read_text()))
    return results


def report(
    benchmark: Benchmark, results: Sequence[Result], work_dir: Path
) -> None:
    """Print the tables and write results.md, results.csv and runs.csv."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    sections, rows = [], []
    for data, place in benchmark.data.items():
        found = result_rows(benchmark, data, results)
        if found:
            shown = readable(benchmark, found)
            console.print(rich_table(shown, f'{place.label} (%)'))
            sections += [f'## {place.label}', markdown_table(shown)]
            rows += found
    failures = [
        f'- {r.data}/{r.method}/seed{r.seed}: {r.error}'
        for r in results
        if r.error
    ]
    if failures:
        sections += ['## Failed', '\n'.join(failures)]
    (work_dir / 'results.md').write_text('\n\n'.join(sections) + '\n')
    write_csv(rows, work_dir / 'results.csv')
    write_csv([run_row(result) for result in results], work_dir / 'runs.csv')
    console.print(f'{work_dir}: results.md, results.csv and runs.csv')


def main() -> None:
    args = parse_args()
    benchmark = read_benchmark(args.table)
    name = f'benchmark_{args.table.stem}'
    work_dir = args.work_dir or Path('work_dirs', name)
    # The table has what is there, also of seeds that nobody names now.
    made = [int(p.name[4:]) for p in sorted(work_dir.glob('*/*/seed*'))]
    seeds = dict.fromkeys([*benchmark.seeds, *(args.seeds or []), *made])
    runs = runs_of(benchmark, seeds, args.cfg_options, work_dir)
    chosen = [] if args.report else chosen_runs(runs, benchmark, args)
    with locked(work_dir) as lock:
        for run in runs.values() if not args.adopt else []:
            run.check_settings()
        failed = do_runs(chosen, args, TOOLS, lock)
        keep_errors(chosen, failed)
        results = results_of(runs)
        if results:
            report(benchmark, results, work_dir)
    if failed:
        sys.exit(
            f'{len(failed)} of {len(chosen)} runs failed. The same command '
            'tries again.'
        )


if __name__ == '__main__':
    run_tool(main)
