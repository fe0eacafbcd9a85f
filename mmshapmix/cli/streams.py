"""Train and test all streams of a recipe, and fuse them.

Each stream has a folder in the work folder. Give the same command again after
an interruption: finished streams are not repeated, and the others continue.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ..analysis.fusion import (
    PRESETS,
    Fusion,
    fusion_rows,
    possible_presets,
    preset_fusion,
    stack_streams,
)
from ..analysis.scores import Scores, read_streams
from ..analysis.tables import rich_table, write_table
from ..engine.launch import config_of
from ..experiments.runs import Run, add_ways_to_run, do_runs
from ..io.locks import locked
from ..words import (
    STREAMS,
    add_word_arguments,
    folder_name,
    word_arguments,
    words_in,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s configs/brl/brl.py --data nw-ucla-lt '
        '--gpus 0 1',
    )
    parser.add_argument(
        'config', type=Path, help='method, or your own config of a method'
    )
    parser.add_argument(
        '--streams',
        nargs='+',
        choices=STREAMS,
        help="default: the streams of the recipe's paper",
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='default: work folder of the joint stream, with "streams" in '
        'place of "j"',
    )
    parser.add_argument(
        '--seed',
        type=int,
        help='seed of all streams; default: seed of the config, or 0',
    )
    parser.add_argument(
        '--preset',
        nargs='+',
        choices=PRESETS,
        help='fusions to report; default: all that the streams allow',
    )
    add_word_arguments(parser, without=('stream',))
    add_ways_to_run(parser)
    parser.add_argument(
        '--adopt',
        action='store_true',
        help='also continue runs that were started with other settings; '
        'nothing checks that these are equivalent',
    )
    return parser.parse_args(argv)


def runs_of(args: argparse.Namespace) -> list[Run]:
    """Runs of the streams, one for each.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If the config reads no words, or sets its own stream.
    """
    words = words_in(args)
    cfg = config_of(args.config, [*word_arguments(words), '--stream=j'])
    if args.work_dir is None:
        said = dict(cfg.words, stream='streams')
        args.work_dir = Path('work_dirs', folder_name(said))
    return [
        Run(
            stream,
            args.work_dir / stream,
            args.config,
            args.cfg_options,
            args.seed,
            words=dict(words, stream=stream),
        )
        for stream in args.streams or cfg.get('streams', STREAMS)
    ]


def usable_fusions(
    scores: Mapping[str, Scores], presets: Sequence[str], console: Console
) -> dict[str, Fusion]:
    """Fusions of the presets; a preset that lacks its scores is reported.

    Dumps of older versions have no logits, and their tests are not repeated.
    """
    fusions = {}
    for name in presets:
        fusion = preset_fusion(name, [*scores])
        try:
            stack_streams([scores[s] for s in fusion.weights], fusion.of)
        except ValueError as error:
            console.print(f'{name} is left out. {error}')
        else:
            fusions[name] = fusion
    return fusions


def report(work_dir: Path, runs: Sequence[Run], wanted: Sequence[str]) -> None:
    """Print and write the accuracies of the streams and of their fusions."""
    scores = read_streams({run.name: run.scores for run in runs})
    presets = [name for name in wanted if name in possible_presets([*scores])]
    console = Console(highlight=False, soft_wrap=True, markup=False)
    rows = fusion_rows(scores, usable_fusions(scores, presets, console))
    write_table(rows, work_dir / 'results')
    console.print(rich_table(rows, 'Accuracy (%)'))
    console.print(f'{work_dir / "results"}.md and .csv')


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    runs = runs_of(args)
    work_dir = args.work_dir
    for preset in args.preset or []:
        preset_fusion(preset, [run.name for run in runs])
    with locked(work_dir):
        for run in runs if not args.adopt else []:
            run.check_settings()
        failed = do_runs(runs, args, args.adopt)
    done = [run for run in runs if run.name not in failed]
    if done:
        report(work_dir, done, args.preset or [*PRESETS])
    if failed:
        logs = ', '.join(f'{name}: {log}' for name, log in failed.items())
        sys.exit(
            f'{len(failed)} of {len(runs)} streams failed ({logs}). The '
            'same command tries again.'
        )
