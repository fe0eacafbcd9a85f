"""The words that complete a method's config: data, stream, backbone, recipe.

A file of ``configs/`` that is named after a method names none of them; the
files under ``_base_`` read them from environment variables, as MMEngine's
configs can. Our tools set these from their arguments; a config of one's own
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

# The environment is that of all threads.
_reading = threading.RLock()
_before: list[dict[str, str | None]] = []
"""The variables as they were before each :func:`method` that is being read."""


def config_folder() -> Path:
    """The folder of our configs: of a clone, or of an installed package.

    Raises:
        FileNotFoundError: If there is neither.
    """
    for folder in (PACKAGE.parent / 'configs', PACKAGE / '.mim' / 'configs'):
        if (folder / '_base_' / 'training.py').is_file():
            return folder
    raise FileNotFoundError(
        f'Expected configs beside {PACKAGE} or in it, but there are none. '
        'Install mmshapmix anew.'
    )


def variable(word: str) -> str:
    """Name of the environment variable of a word."""
    return f'MMSHAPMIX_{word.upper()}'


def data_names() -> list[str]:
    """Names of our data sets, sorted."""
    folder = config_folder() / '_base_' / 'data'
    return sorted(p.stem for p in folder.glob('*.py') if p.stem != 'chosen')


def method_files() -> dict[str, Path]:
    """The configs of our methods by name, sorted."""
    files = sorted(config_folder().glob('[!_]*/*.py'))
    return {path.stem: path for path in files if '_joint_' not in path.stem}


def data_file(data: str) -> str:
    """What the variable of the data set holds.

    Args:
        data: Name of one of our data sets, or path of a data file.

    Returns:
        A file name in ``configs/_base_/data``, or an absolute path.

    Raises:
        ValueError: If it is neither.
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
    """The words that are given, as the variables hold them.

    Raises:
        ValueError: For an unknown word, or a value that it cannot have.
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
        help="schedule, rate and augmentation; default: the method's own",
    ),
)


def add_word_arguments(
    parser: argparse.ArgumentParser, without: Collection[str] = ()
) -> None:
    """``--data``, ``--stream``, ``--backbone`` and ``--recipe``.

    Args:
        parser: Gets them.
        without: Words that a tool chooses itself.
    """
    group = parser.add_argument_group('words that complete a method')
    for word, options in ARGUMENTS.items():
        if word not in without:
            group.add_argument(f'--{word}', **options)


def words_in(args: argparse.Namespace) -> dict[str, str]:
    """The words that were given."""
    found = {word: getattr(args, word, None) for word in WORDS}
    return {word: value for word, value in found.items() if value}


def word_arguments(words: Mapping[str, str]) -> list[str]:
    """Arguments of a command that say the words."""
    return [f'--{word}={value}' for word, value in words.items()]


def folder_name(words: Mapping[str, str]) -> str:
    """Where the results of a training go, in the folder of all work."""
    names = (words[word] for word in ('backbone', 'method', 'stream', 'data'))
    return f'{words["recipe"]}/{"_".join(names)}'


@contextmanager
def spoken(**words: str | None) -> Iterator[None]:
    """Read configs with these words; afterwards all is as it was before.

    Args:
        **words: Some of :data:`WORDS`; none: as the environment has it.

    Raises:
        ValueError: As :func:`checked`.
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
    """The config of a method, for ``_base_``, with words of its own.

    ::

        _base_ = __import__('mmshapmix').method(
            'shapmix/shapmix.py', data='mine.py', backbone='ctrgcn'
        )

    Args:
        path: In the folder of our configs.
        **words: ``data``, ``stream``, ``backbone``, ``recipe``; those that are
            not given are the tool's arguments, or the method's own.

    Returns:
        Its path.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: As :func:`checked`, or if the environment has another one.
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
                f'{name}={there!r}. For others, take {path} itself.'
            )
    _before.append({name: os.environ.get(name) for name in given})
    os.environ.update(given)
    return str(file)


def heard() -> None:
    """All words are read: what :func:`method` has set is taken back.

    ``configs/_base_/training.py`` calls it, which reads the last of them.
    """
    while _before:
        _restore(_before.pop())


def _restore(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
