"""Train and test all streams of a recipe, and fuse them.

Each stream has a folder in the work folder. What is done is not done again,
and what was interrupted goes on: give the same command again.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from mmshapmix.analysis.fusion import (
    PRESETS,
    fusion_rows,
    possible_presets,
    preset_weights,
)
from mmshapmix.analysis.scores import read_streams
from mmshapmix.analysis.tables import rich_table, write_table
from mmshapmix.cli import run_tool
from mmshapmix.engine.launch import add_config_options, load_config
from mmshapmix.jobs import Job, last_checkpoint, locked, run_jobs

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
SCORES = 'scores.pkl'
SETTINGS = 'settings.json'
CHECKPOINT = 'last_checkpoint'
# Settings that change no result.
HARMLESS = {'num_workers', 'persistent_workers', 'pin_memory', 'logger'}


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
    add_ways_to_run(parser)
    parser.add_argument(
        '--preset',
        nargs='+',
        choices=PRESETS,
        help='fusions to report; default: all whose streams are there',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        metavar='KEY=VALUE',
        help='override settings of the configs of all streams',
    )
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f'--jobs: expected at least 1, but got {args.jobs}')
    options = args.cfg_options or []
    args.cfg_options = ['--cfg-options', *options] if options else []
    return args


def add_ways_to_run(parser: argparse.ArgumentParser) -> None:
    """Arguments that say where streams run, and whether to go on."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--gpus', nargs='+', metavar='GPU', help='one stream on each at once'
    )
    how.add_argument(
        '--jobs', type=int, default=1, help='this many streams at once'
    )
    parser.add_argument(
        '--adopt',
        action='store_true',
        help='go on also where other settings had begun; nothing checks that '
        'they amount to the same',
    )


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


def flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """All settings inside of a nested one, by their dotted names."""
    if isinstance(value, Mapping | list | tuple) and value:
        keyed = isinstance(value, Mapping)
        for key, inner in value.items() if keyed else enumerate(value):
            yield from flat(inner, f'{name}.{key}' if name else str(key))
    else:
        yield name, repr(value)


def settings_of(leaf: Path, args: argparse.Namespace) -> dict[str, str]:
    """All that decides what a stream's training gives, the seed among it."""
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_config_options(parser)
    config = load_config(parser.parse_args([str(leaf), *args.cfg_options]))
    settings = config.to_dict()
    del settings['work_dir'], settings['launcher']
    randomness = settings.setdefault('randomness', None) or {}
    seed = randomness.get('seed') if args.seed is None else args.seed
    settings['randomness'] = {**randomness, 'seed': seed or 0}
    return {
        key: value
        for key, value in flat(settings, '')
        if not HARMLESS & {*key.split('.')}
    }


def keep_settings(
    folder: Path, settings: dict[str, str], adopt: bool = False
) -> None:
    """Write the settings down; where something is, they must be the same.

    Raises:
        ValueError: If the folder was made with others.
    """
    path = folder / SETTINGS
    begun = any((folder / name).exists() for name in (SCORES, CHECKPOINT))
    if adopt or not begun:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f'{SETTINGS}.part')
        part.write_text(json.dumps(settings, indent=1))
        part.replace(path)
    before = json.loads(path.read_text()) if path.exists() else {}
    other = [
        f'{key}: {before.get(key, "absent")} there, '
        f'{settings.get(key, "absent")} now'
        for key in sorted({*before, *settings})
        if before.get(key) != settings.get(key)
    ]
    if other:
        raise ValueError(
            f'Expected the settings with which {folder} was made, but '
            f'{len(other)} of them are others: {"; ".join(other[:3])}. Choose '
            'another --work-dir, or remove the folder; --adopt goes on in it.'
        )


def job_of(leaf: Path, folder: Path, seed: str, options: list[str]) -> Job:
    """The training and the test of one stream."""
    train = [TOOLS / 'train.py', leaf, '--work-dir', folder, '--seed', seed]
    if (folder / CHECKPOINT).exists():
        train += ['--resume', last_checkpoint(folder)]
    checkpoint = partial(last_checkpoint, folder)
    test = [TOOLS / 'test.py', leaf, checkpoint, '--work-dir', folder / 'test']
    commands = dict(
        train=[*train, *options],
        test=[*test, '--dump', folder / SCORES, *options],
    )
    return Job(folder.name, folder, commands, folder / SCORES)


def visible_gpus(chosen: Sequence[str] | None) -> list[str]:
    """The chosen GPUs, as numbers among those that this process may use.

    Raises:
        ValueError: If it may use fewer, or if one is no number.
    """
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    known = visible.split(',') if visible else [*map(str, range(64))]
    for gpu in chosen or []:
        if not gpu.isdigit() or int(gpu) >= len(known):
            raise ValueError(
                f'Expected --gpus as numbers from 0 to {len(known) - 1}, but '
                f'got {gpu}. CUDA_VISIBLE_DEVICES is {visible}.'
            )
    return [known[int(gpu)] for gpu in chosen or []]


def run_streams(
    leaves: Mapping[str, Path],
    work_dir: Path,
    args: argparse.Namespace,
    lock: int,
) -> dict[str, Path]:
    """Train and test what is not done yet; the logs of what has failed."""
    jobs = []
    for stream, leaf in leaves.items():
        folder, settings = work_dir / stream, settings_of(leaf, args)
        keep_settings(folder, settings, args.adopt)
        seed = settings['randomness.seed']
        jobs.append(job_of(leaf, folder, seed, args.cfg_options))
    slots = visible_gpus(args.gpus) or [None] * args.jobs
    try:
        return run_jobs(jobs, slots, keep_open=[lock])
    except KeyboardInterrupt:
        sys.exit('Interrupted. The same command goes on from here.')


def report(
    work_dir: Path, streams: Sequence[str], wanted: Sequence[str]
) -> None:
    """Print and write the accuracies of the streams and of their fusions."""
    scores = read_streams({name: work_dir / name / SCORES for name in streams})
    presets = [name for name in wanted if name in possible_presets(streams)]
    fusions = {name: preset_weights(name, streams) for name in presets}
    rows = fusion_rows(scores, fusions)
    write_table(rows, work_dir / 'results')
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(rich_table(rows, 'Accuracy (%)'))
    console.print(f'{work_dir / "results"}.md and .csv')


def main() -> None:
    args = parse_args()
    leaves = leaves_of(args.config, args.streams)
    for preset in args.preset or []:
        preset_weights(preset, [*leaves])
    folder = args.config.resolve().parent.name
    name = args.config.stem.replace('_joint_', '_streams_')
    work_dir = args.work_dir or Path('work_dirs', f'{folder}_{name}')
    with locked(work_dir) as lock:
        failed = run_streams(leaves, work_dir, args, lock)
    done = [stream for stream in leaves if stream not in failed]
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
