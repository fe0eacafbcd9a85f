"""Runs: training and test of a config with a seed, in a separate folder.

A finished run is not repeated, an interrupted one is resumed, and a folder
that was made with other settings is refused.
"""

import argparse
import hashlib
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import Runner

from ..engine.checkpoints import checkpoints_in
from ..engine.launch import config_of
from ..io.files import replaced
from ..io.reading import read_json
from ..words import word_arguments
from .jobs import Argument, Job, last_checkpoint, run_jobs

SCORES = 'scores.pkl'
SETTINGS = 'settings.json'
# Config keys that affect the result; variables and logging settings do not.
DECISIVE = {*inspect.signature(Runner).parameters, 'custom_imports'} - {
    'work_dir',
    'launcher',
    'visualizer',
    'log_processor',
    'log_level',
    'experiment_name',
}
HARMLESS = re.compile(
    r'default_hooks\.(logger|checkpoint|words)\.'
    r'|.*\.(num_workers|persistent_workers|pin_memory)$'
)


@dataclass(frozen=True)
class Run:
    """A training and its test.

    Attributes:
        name: Name of the run.
        folder: Folder of all results; the scores are in ``scores.pkl``.
        config: Config of a method, or any other config.
        options: Overrides of the config, as ``KEY=VALUE``.
        words: Words that complete a method, see :mod:`mmshapmix.words`.
        seed: Seed of the training; ``None``: the config's seed, or 0.
        first: Run whose last checkpoint this one starts from.
        trains: Whether there is a training; otherwise the run only tests the
            checkpoint of ``first``.
    """

    name: str
    folder: Path
    config: Path
    options: Sequence[str] = ()
    seed: int | None = None
    first: 'Run | None' = None
    trains: bool = True
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def scores(self) -> Path:
        """Path of the scores that the test dumps."""
        return self.folder / SCORES

    def settings(self) -> dict[str, str]:
        """Return all settings that affect the result, by dotted names.

        The seed is included.

        Raises:
            FileNotFoundError: If there is no such config.
        """
        config = config_of(self.config, self._options()).to_dict()
        decisive = {k: v for k, v in config.items() if k in DECISIVE}
        randomness = decisive.setdefault('randomness', None) or {}
        seed = randomness.get('seed') if self.seed is None else self.seed
        decisive['randomness'] = {**randomness, 'seed': seed or 0}
        settings = {
            key: value
            for key, value in _flat(decisive, '')
            if not HARMLESS.match(key)
        }
        if self.first:
            first = self.first.settings()
            settings |= {f'first.{key}': v for key, v in first.items()}
            settings['first'] = self.first.checkpoint_hash()
            settings['trains'] = repr(self.trains)
        return settings

    def checkpoint_hash(self) -> str:
        """SHA-256 of the last checkpoint; ``'absent'`` if there is none."""
        try:
            path = last_checkpoint(self.folder)
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            return 'absent'

    def job(self, adopt: bool = False) -> Job:
        """Return the commands of the run, for :func:`.run_jobs`.

        Each command checks the settings when it starts, since the config may
        have changed in the meantime. Paths are absolute, since a relative path
        could look like an option.

        Args:
            adopt: Whether to continue a run that was begun with other
                settings.
        """

        def config() -> Path:
            self.keep_settings(adopt)
            return self.config.absolute()

        source = self.first if self.first and not self.trains else self
        checkpoint = partial(last_checkpoint, source.folder.absolute())
        folder = self.folder.absolute()
        test = ['test', config, checkpoint, *self._options()]
        test += ['--work-dir', folder / 'test', '--dump', folder / SCORES]
        commands: dict[str, list[Argument]] = dict(test=test)
        if self.trains:
            train = ['train', config, *self._training()]
            commands = dict(train=train, test=test)
        after = self.first.name if self.first else None
        return Job(self.name, self.folder, commands, self.scores, after)

    def _training(self) -> list[Argument]:
        def seed() -> str:
            return self.settings()['randomness.seed']

        folder = self.folder.absolute()
        args = ['--work-dir', folder, '--seed', seed, *self._options()]
        if checkpoints_in(folder):
            return [*args, '--resume']
        if self.first:
            first = partial(last_checkpoint, self.first.folder.absolute())
            return [*args, '--load-from', first]
        return args

    def _options(self) -> list[str]:
        options = ['--cfg-options', *self.options] if self.options else []
        return [*word_arguments(self.words), *options]

    def _made(self) -> bool:
        return self.scores.exists() or bool(checkpoints_in(self.folder))

    def keep_settings(self, adopt: bool = False) -> None:
        """Save the settings, or check them if the folder has results.

        Args:
            adopt: Whether to continue although the settings differ; the
                present settings are then saved.

        Raises:
            ValueError: See :meth:`check_settings`.
        """
        if self._made() and not adopt:
            self.check_settings()
            return
        with replaced(self.folder / SETTINGS) as partial:
            partial.write_text(json.dumps(self.settings(), indent=1))

    def check_settings(self) -> None:
        """Check that the folder's results were made with the same settings.

        The checkpoint of the first stage must be the same, too.

        Raises:
            ValueError: If settings differ. Without results, none can differ.
        """
        if not self._made():
            return
        path, now = self.folder / SETTINGS, self.settings()
        before = read_json(path, 'settings') if path.exists() else {}
        other = [
            f'{key}: {before.get(key, "absent")} there, '
            f'{now.get(key, "absent")} now'
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        if other:
            raise ValueError(
                f'Expected the settings with which {self.folder} was made, '
                f'but {len(other)} of them differ: '
                f'{"; ".join(other[:3])}. Give the same options as before, or '
                'another --work-dir; or remove the folder to start anew.'
            )


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield all settings inside of a nested value, by dotted names."""
    if isinstance(value, Mapping | list | tuple) and value:
        rows = (
            value.items() if isinstance(value, Mapping) else enumerate(value)
        )
        for key, inner in rows:
            yield from _flat(inner, f'{name}.{key}' if name else str(key))
    else:
        yield name, repr(value)


def add_ways_to_run(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for GPUs, jobs at once and config overrides."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--gpus',
        nargs='+',
        metavar='GPU',
        help='one run at a time on each GPU, two on a GPU that is named twice',
    )
    how.add_argument(
        '--jobs', type=_positive, default=1, help='number of runs at once'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of the configs of all runs',
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(
            f'expected at least 1, but got {text}'
        )
    return number


def do_runs(
    runs: Sequence[Run],
    args: argparse.Namespace,
    adopt: bool = False,
) -> dict[str, Path]:
    """Train and test all runs that are not done yet.

    Args:
        runs: Runs; a run that starts from another one comes after it.
        args: Arguments of :func:`add_ways_to_run`.
        adopt: Whether to continue runs that were begun with other settings.

    Returns:
        The log of each failed run, by name.

    Raises:
        FileNotFoundError: If a config is missing; nothing runs then.
        SystemExit: When interrupted.
    """
    for run in runs:
        if not run.config.is_file():
            raise FileNotFoundError(
                f'Expected a config at {run.config}, but there is none.'
            )
    gpus = visible_gpus(args.gpus)
    slots: Sequence[str | None] = gpus or [None] * args.jobs
    jobs = [run.job(adopt) for run in runs]
    try:
        return run_jobs(jobs, slots)
    except KeyboardInterrupt:
        sys.exit('Interrupted. The same command goes on from here.')


def visible_gpus(chosen: Sequence[str] | None) -> list[str]:
    """Return the chosen GPUs, as numbers for ``CUDA_VISIBLE_DEVICES``.

    Args:
        chosen: Numbers among the GPUs that this process may use.

    Raises:
        ValueError: If a GPU is no number, or not among them.
    """
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    known = [*map(str, range(torch.cuda.device_count()))]
    if visible:
        known = visible.split(',')[: len(known)]
    for gpu in chosen or []:
        if not gpu.isdigit() or int(gpu) >= len(known):
            raise ValueError(
                f'Expected --gpus among {len(known)} GPUs, numbered from 0, '
                f'but got {gpu}. CUDA_VISIBLE_DEVICES is {visible}.'
            )
    return [known[int(gpu)] for gpu in chosen or []]
