"""Train and test all streams of a recipe, and fuse them.

Each stream has a folder in the work folder. What is done is not done again,
and what was interrupted goes on: give the same command again.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from mmshapmix.analysis.fusion import (
    PRESETS,
    Fusion,
    fusion_rows,
    possible_presets,
    preset_fusion,
    stack_streams,
)
from mmshapmix.analysis.scores import Scores, read_streams
from mmshapmix.analysis.tables import rich_table, write_table
from mmshapmix.cli import run_tool
from mmshapmix.jobs import locked
from mmshapmix.runs import Run, add_ways_to_run, do_runs

TOOLS = Path(__file__).resolve().parent
# What stands in the names of leaves.
STREAMS = {
    'j': '_joint_',
    'b': '_bone_',
    'k': '_skip_',
    'jm': '_joint-motion_',
    'bm': '_bone-motion_',
    'km': '_skip-motion_',
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', type=Path, help='leaf of the joint stream')
    parser.add_argument(
        '--streams',
        nargs='+',
        choices=STREAMS,
        help='default: all that have a leaf beside the joint one',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='default: work_dirs/, the folder of the leaf, and its name with '
        '"streams" for "joint"',
    )
    parser.add_argument(
        '--seed',
        type=int,
        help="of all streams; default: the config's, or 0",
    )
    parser.add_argument(
        '--preset',
        nargs='+',
        choices=PRESETS,
        help='fusions to report; default: all whose streams are there',
    )
    add_ways_to_run(parser)
    parser.add_argument(
        '--adopt',
        action='store_true',
        help='go on also where other settings had begun; nothing checks that '
        'they amount to the same',
    )
    return parser.parse_args()


def leaves_of(config: Path, streams: Sequence[str] | None) -> dict[str, Path]:
    """The leaf of each stream, found by its name beside the joint one.

    Raises:
        ValueError: If the config is no joint leaf.
        FileNotFoundError: If a stream that was asked for has no leaf.
    """
    if STREAMS['j'] not in config.name:
        raise ValueError(
            f"Expected the leaf of a joint stream, with '_joint_' in its name,"
            f' but got {config}.'
        )
    leaves = {
        stream: config.with_name(config.name.replace(STREAMS['j'], part))
        for stream, part in STREAMS.items()
    }
    for stream in streams or ['j']:
        if not leaves[stream].is_file():
            raise FileNotFoundError(
                f'Expected a config at {leaves[stream]}, but there is none.'
            )
    found = streams or [s for s, leaf in leaves.items() if leaf.is_file()]
    return {stream: leaves[stream] for stream in found}


def usable_fusions(
    scores: Mapping[str, Scores], presets: Sequence[str], console: Console
) -> dict[str, Fusion]:
    """Those of presets whose streams have what they fuse; others are named.

    Tests of older versions dumped no logits, and are not done again.
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


def main() -> None:
    args = parse_args()
    leaves = leaves_of(args.config, args.streams)
    for preset in args.preset or []:
        preset_fusion(preset, [*leaves])
    folder = args.config.resolve().parent.name
    name = args.config.stem.replace('_joint_', '_streams_')
    work_dir = args.work_dir or Path('work_dirs', f'{folder}_{name}')
    runs = [
        Run(stream, work_dir / stream, leaf, args.cfg_options, args.seed)
        for stream, leaf in leaves.items()
    ]
    with locked(work_dir):
        for run in runs if not args.adopt else []:
            run.check_settings()
        failed = do_runs(runs, args, TOOLS, args.adopt)
    done = [run for run in runs if run.name not in failed]
    if done:
        report(work_dir, done, args.preset or [*PRESETS])
    if failed:
        logs = ', '.join(f'{name}: {log}' for name, log in failed.items())
        sys.exit(
            f'{len(failed)} of {len(leaves)} streams failed ({logs}). The '
            'same command tries again.'
        )


if __name__ == '__main__':
    run_tool(main)
