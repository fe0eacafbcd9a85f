"""Train and test methods × seeds × data sets, and write a table of results.

A table file lists them; the table files in configs/benchmark have all methods.
Each run has a folder in the work folder. Give the same command again after an
interruption or a failure: finished runs are not repeated, and the others
continue.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from rich.console import Console

from ..analysis.fusion import accuracies
from ..analysis.scores import read_scores
from ..analysis.tables import markdown_table, rich_table, write_csv
from ..experiments.benchmark import (
    Benchmark,
    DataSet,
    Result,
    failures,
    heading,
    read_benchmark,
    readable,
    result_rows,
    run_name,
    run_row,
)
from ..experiments.jobs import ERROR
from ..experiments.runs import Run, add_ways_to_run, do_runs
from ..functional.checks import check_choice
from ..io.locks import locked
from ..words import data_file

Key = tuple[str, str, int]
"""Method, data set and seed of a run."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s configs/benchmark/full.yml --methods ce crt',
    )
    parser.add_argument(
        'table',
        type=Path,
        help='table file, such as configs/benchmark/full.yml',
    )
    parser.add_argument(
        '--methods', nargs='+', help='default: all methods of the table'
    )
    parser.add_argument(
        '--data',
        nargs='+',
        metavar='NAME_OR_FILE',
        help='data sets of the table, other data sets of mmshapmix, or your '
        'own data files; default: all data sets of the table',
    )
    parser.add_argument(
        '--seeds', nargs='+', type=int, help='default: seeds of the table'
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='default: work_dirs/benchmark_TABLE',
    )
    parser.add_argument(
        '--report',
        action='store_true',
        help='run nothing; only write the table of the finished runs',
    )
    add_ways_to_run(parser)
    args = parser.parse_args(argv)
    if args.work_dir is None:
        args.work_dir = Path('work_dirs', f'benchmark_{args.table.stem}')
    return args


def with_data(
    benchmark: Benchmark, wanted: Sequence[str]
) -> tuple[Benchmark, list[str]]:
    """Add the wanted data sets to the table; return it and their names.

    Raises:
        ValueError: If there is no such data set.
    """
    data, names = dict(benchmark.data), []
    for one in wanted:
        name = one
        if one not in data:
            path = data_file(one)
            name = Path(path).stem
            data[name] = DataSet(name, path)
        names.append(name)
    return replace(benchmark, data=data), names


def runs_of(
    benchmark: Benchmark,
    seeds: Iterable[int],
    options: Sequence[str],
    work_dir: Path,
) -> dict[Key, Run]:
    """Runs of the table: all runs of one seed, then those of the next."""
    runs: dict[Key, Run] = {}
    words = {data: benchmark.words(data) for data in benchmark.data}
    for seed, data, name in product(seeds, benchmark.data, benchmark.methods):
        method, place = benchmark.methods[name], benchmark.data[data]
        label = run_name(name, data, seed)
        own = [*benchmark.options, *place.options, *method.options]
        runs[name, data, seed] = Run(
            label,
            work_dir / label,
            benchmark.config(name),
            [*own, *options],
            seed,
            runs.get((method.after or '', data, seed)),
            method.trains,
            words[data],
        )
    return runs


def chosen_runs(
    runs: Mapping[Key, Run], benchmark: Benchmark, args: argparse.Namespace
) -> list[Run]:
    """Runs that the arguments choose, and the runs that these start from.

    Raises:
        ValueError: If the table has no such method.
    """
    wanted = [*(args.methods or benchmark.methods)]
    for method in wanted:  # the list grows in the loop
        check_choice('--methods', method, tuple(benchmark.methods))
        first = benchmark.methods[method].after
        wanted += [first] if first else []
    kept = wanted, args.data or benchmark.data, args.seeds or benchmark.seeds
    return [
        run
        for key, run in runs.items()
        if all(part in names for part, names in zip(key, kept, strict=True))
    ]


def seeds_in(work_dir: Path) -> list[int]:
    """Seeds that have a run in the work folder, in ascending order."""
    names = {path.name for path in work_dir.glob('*/*/seed*')}
    found = (re.fullmatch(r'seed(\d+)', name) for name in names)
    return sorted(int(match[1]) for match in found if match)


def result_of(key: Key, run: Run) -> Result | None:
    """Result of a run; ``None`` if the run has not ended."""
    error = run.folder / ERROR
    if run.scores.exists():
        try:
            scores = read_scores(run.scores)
            recipe = scores.words.get('recipe', '')
            return Result(*key, accuracies(scores), recipe=recipe)
        except ValueError as refusal:
            return Result(*key, None, str(refusal))
    if error.exists():
        return Result(*key, None, error.read_text())
    return None


def report(
    benchmark: Benchmark, runs: Mapping[Key, Run], args: argparse.Namespace
) -> None:
    """Print the tables and write results.md, results.csv and runs.csv.

    Raises:
        ValueError: If a run was made with other settings than it has now: a
            config may have changed while other runs were in progress.
    """
    for run in runs.values():
        run.check_settings()
    found = [result_of(key, run) for key, run in runs.items()]
    results = [result for result in found if result]
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if not results:
        console.print(f'No run in {args.work_dir} has ended yet.')
        return
    options = [*benchmark.options, *args.cfg_options]
    rows, sections = [], [heading(args.table, options)]
    for data, place in benchmark.data.items():
        of_data = result_rows(benchmark, data, results)
        if of_data:
            shown = readable(benchmark, of_data)
            console.print(rich_table(shown, f'{place.label} (%)'))
            sections += [f'## {place.label}', markdown_table(shown)]
            rows += of_data
    sections += failures(results)
    text = '\n\n'.join(sections)
    (args.work_dir / 'results.md').write_text(f'{text}\n')
    write_csv(rows, args.work_dir / 'results.csv')
    write_csv(
        [run_row(result) for result in results], args.work_dir / 'runs.csv'
    )
    console.print(f'{args.work_dir}: results.md, results.csv and runs.csv')


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    benchmark = read_benchmark(args.table)
    benchmark, args.data = with_data(benchmark, args.data or [])
    if args.report and not args.work_dir.is_dir():
        raise FileNotFoundError(
            f'Expected the runs in {args.work_dir}, but there is no such '
            'folder. Name it by --work-dir.'
        )
    # The table has all results of the folder, including those of seeds that
    # the arguments do not name.
    seeds = [*benchmark.seeds, *(args.seeds or []), *seeds_in(args.work_dir)]
    runs = runs_of(
        benchmark, dict.fromkeys(seeds), args.cfg_options, args.work_dir
    )
    chosen = chosen_runs(runs, benchmark, args)
    if args.report:
        report(benchmark, runs, args)
        return
    for run in runs.values():
        run.check_settings()
    failed = {}
    try:
        with locked(args.work_dir):
            failed = do_runs(chosen, args)
    finally:
        report(benchmark, runs, args)
    if failed:
        sys.exit(
            f'{len(failed)} of {len(chosen)} runs failed. The same command '
            'tries again.'
        )
