"""The words that complete a method's config: data, stream, backbone, recipe.

The config of a method in ``configs/`` does not contain these words; the files
in ``configs/_base_`` read them from environment variables, as MMEngine's
configs can. Our tools set the variables from their arguments; a user's config
names its method and its words by :func:`method`.
"""

import argparse
import os
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
WORDS = ('data', 'stream', 'backbone', 'recipe')
STREAMS = ('j', 'b', 'k', 'jm', 'bm', 'km')
BACKBONES = (
    'stgcnpp',
    'aagcn',
    'ctrgcn',
    'dgstgcn',
    'hdgcn',
    'infogcn',
    'msg3d',
)
RECIPES = ('baseline', 'brl', 'shapmix')
ALLOWED = dict(stream=STREAMS, backbone=BACKBONES, recipe=RECIPES)

# All threads share the environment, so only one may read configs at a time.
_reading = threading.RLock()
_before: list[dict[str, str | None]] = []
"""Former values of the variables, for each :func:`method` being read."""


def config_folder() -> Path:
    """Return the folder of our configs, in a clone or an installed package.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    for folder in (PACKAGE.parent / 'configs', PACKAGE / '.mim' / 'configs'):
        if (folder / '_base_' / 'training.py').is_file():
            return folder
    raise FileNotFoundError(
        f'Expected configs beside {PACKAGE} or in it, but there are none. '
        'Install mmshapmix anew.'
    )


def variable(word: str) -> str:
    """Name of a word's environment variable."""
    return f'MMSHAPMIX_{word.upper()}'


def data_names() -> list[str]:
    """Names of our data sets, sorted."""
    folder = config_folder() / '_base_' / 'data'
    return sorted(p.stem for p in folder.glob('*.py') if p.stem != 'chosen')


def method_files() -> dict[str, Path]:
    """Configs of our methods by name, sorted."""
    files = sorted(config_folder().glob('[!_]*/*.py'))
    return {path.stem: path for path in files if '_joint_' not in path.stem}


def data_file(data: str) -> str:
    """Return the value of the data set's environment variable.

    Args:
        data: Name of one of our data sets, or path of a data file.

    Returns:
        A file name in ``configs/_base_/data``, or an absolute path.

    Raises:
        ValueError: If ``data`` is neither.
    """
    if data.removesuffix('.py') in data_names():
        return f'{data.removesuffix(".py")}.py'
    path = Path(data).expanduser()
    if path.suffix == '.py' and path.is_file():
        return str(path.resolve())
    raise ValueError(
        f'Expected `data` as the path of a data file, or one of '
        f'{data_names()}, but got {data!r}.'
    )


def checked(words: Mapping[str, str | None]) -> dict[str, str]:
    """Check the given words, and return their environment variables' values.

    Raises:
        ValueError: For an unknown word, or an invalid value.
    """
    given = {word: value for word, value in words.items() if value}
    for word, value in given.items():
        if word not in WORDS:
            raise ValueError(f'Expected words of {WORDS}, but got {word!r}.')
        if word == 'data':
            given[word] = data_file(value)
        elif value not in ALLOWED[word]:
            raise ValueError(
                f'Expected `{word}` of {ALLOWED[word]}, but got {value!r}.'
            )
    return given


ARGUMENTS: dict[str, dict[str, Any]] = dict(
    data=dict(
        metavar='NAME_OR_FILE',
        help='data set: its name in configs/_base_/data, or your own file',
    ),
    stream=dict(choices=STREAMS, help='modality; default: j, joints'),
    backbone=dict(choices=BACKBONES, help='default: stgcnpp'),
    recipe=dict(
        choices=RECIPES,
        help='schedule, learning rate and augmentation; '
        "default: the method's own",
    ),
)


def add_word_arguments(
    parser: argparse.ArgumentParser, without: Collection[str] = ()
) -> None:
    """Add ``--data``, ``--stream``, ``--backbone`` and ``--recipe``.

    Args:
        parser: The parser; changed.
        without: Words that the tool chooses itself.
    """
    group = parser.add_argument_group('words that complete a method')
    for word, options in ARGUMENTS.items():
        if word not in without:
            group.add_argument(f'--{word}', **options)


def words_in(args: argparse.Namespace) -> dict[str, str]:
    """Return the words that were given as arguments."""
    found = {word: getattr(args, word, None) for word in WORDS}
    return {word: value for word, value in found.items() if value}


def word_arguments(words: Mapping[str, str]) -> list[str]:
    """Return the command-line arguments for the words."""
    return [f'--{word}={value}' for word, value in words.items()]


def folder_name(words: Mapping[str, str]) -> str:
    """Folder of a training's results, relative to ``work_dirs``."""
    names = (words[word] for word in ('backbone', 'method', 'stream', 'data'))
    return f'{words["recipe"]}/{"_".join(names)}'


@contextmanager
def spoken(**words: str | None) -> Iterator[None]:
    """Set the words while configs are read; restore the environment after.

    Args:
        **words: Some of :data:`WORDS`; ``None``: the environment's value.

    Raises:
        ValueError: See :func:`checked`.
    """
    variables = {variable(w): v for w, v in checked(words).items()}
    with _reading:
        names = map(variable, WORDS)
        before = {name: os.environ.get(name) for name in names}
        os.environ.update(variables)
        try:
            yield
        finally:
            _before.clear()
            _restore(before)


def method(path: str, **words: str) -> str:
    """Return the path of a method's config, for ``_base_``, and set words.

    ::

        _base_ = __import__('mmshapmix').method(
            'shapmix/shapmix.py', data='mine.py', backbone='ctrgcn'
        )

    Args:
        path: Path relative to the folder of our configs.
        **words: ``data``, ``stream``, ``backbone``, ``recipe``; words that are
            not given come from the tool's arguments or from the method.

    Returns:
        The path of the config.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: See :func:`checked`; also if the environment has another
            value of a word.
    """
    file = config_folder() / path
    if not file.is_file():
        raise FileNotFoundError(
            f'Expected a config of ours at {file}, but there is none.'
        )
    given = {variable(w): v for w, v in checked(words).items()}
    for name, value in given.items():
        there = os.environ.get(name)
        if there not in (None, value):
            raise ValueError(
                f'Expected {value!r}, which the config says, but got '
                f'{name}={there!r}. For other words, use {path} itself.'
            )
    _before.append({name: os.environ.get(name) for name in given})
    os.environ.update(given)
    return str(file)


def heard() -> None:
    """Restore the variables that :func:`method` has set, after their reading.

    ``configs/_base_/training.py``, which reads the last word, calls this.
    """
    while _before:
        _restore(_before.pop())


def _restore(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
