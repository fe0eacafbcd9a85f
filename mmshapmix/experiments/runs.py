"""Runs: a config trained and tested with a seed, in a folder of its own.

What is done is not done again, what was interrupted goes on, and a folder
that other settings have made is refused.
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
# Config keys that affect the result; variables and logging do not.
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
        name: What it is called.
        folder: Where everything goes; the scores as ``scores.pkl``.
        config: The method, or another config.
        options: Overrides of the config, as ``KEY=VALUE``.
        words: What completes a method, see :mod:`mmshapmix.words`.
        seed: None: the config's, or 0.
        first: The run whose last checkpoint this one starts from.
        trains: Whether there is a training; else it tests the checkpoint of
            ``first``.
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
        """What the test dumps."""
        return self.folder / SCORES

    def settings(self) -> dict[str, str]:
        """All that decides the result, by dotted names; seed included.

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
        """What tells its last checkpoint from another; ``'absent'``."""
        try:
            path = last_checkpoint(self.folder)
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            return 'absent'

    def job(self, adopt: bool = False) -> Job:
        """The commands, to be given to :func:`.run_jobs`.

        Each looks at the settings when it starts: the config may have been
        changed since. Paths are absolute: none can be taken for an option.

        Args:
            adopt: Go on also where other settings had begun.
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
        """Write the settings down; where something is, they must be the same.

        Args:
            adopt: Go on also where they are not.

        Raises:
            ValueError: As :meth:`check_settings`.
        """
        if self._made() and not adopt:
            self.check_settings()
            return
        with replaced(self.folder / SETTINGS) as partial:
            partial.write_text(json.dumps(self.settings(), indent=1))

    def check_settings(self) -> None:
        """Refuse what was made with other settings, or another first stage.

        Raises:
            ValueError: If the folder was; where nothing is, there is none.
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
                f'but {len(other)} of them are others: '
                f'{"; ".join(other[:3])}. Give the options of before, or '
                'another --work-dir; or remove the folder to make it anew.'
            )


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """All settings inside of a nested one, by their dotted names."""
    if isinstance(value, Mapping | list | tuple) and value:
        rows = (
            value.items() if isinstance(value, Mapping) else enumerate(value)
        )
        for key, inner in rows:
            yield from _flat(inner, f'{name}.{key}' if name else str(key))
    else:
        yield name, repr(value)


def add_ways_to_run(parser: argparse.ArgumentParser) -> None:
    """Arguments that say where runs go, and whether to go on."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--gpus',
        nargs='+',
        metavar='GPU',
        help='one run on each at once; a GPU named twice has two',
    )
    how.add_argument(
        '--jobs', type=_positive, default=1, help='this many runs at once'
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
    """Train and test what is not done yet.

    Args:
        runs: A run that starts from another comes after it.
        args: Of :func:`add_ways_to_run`.
        adopt: Go on also where other settings had begun.

    Returns:
        Name of each failed run to its log.

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
    """The chosen GPUs, as numbers among those that this process may use.

    Raises:
        ValueError: If it may use fewer, or if one is no number.
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
