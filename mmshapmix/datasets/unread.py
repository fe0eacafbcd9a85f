"""What an annotation file has that is not loaded, left in its place.

One such thing makes a pickle unreadable. Here the rest of the file is read,
so that the sample can be named, or left out, that has it. Nothing of what it
asks for is looked up or run.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..unpickling import PLAIN_NAMES, PlainArray, load_plain, plain_dtype

CONTAINERS = (dict, list, tuple, set, frozenset)


class Unread:
    """Stands for an object of a class that is not loaded."""

    asked = ''

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Take what a list of its own kind would hold."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


class UnreadArray(np.ndarray):
    """Stands for an array of objects or records."""


class _NoDtype:
    """Stands for the dtype of such an array."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Array(PlainArray):
    """An array before its dtype is known."""

    def __setstate__(self, state: tuple) -> None:
        if isinstance(state[2], _NoDtype):
            self.__class__ = UnreadArray
        else:
            super().__setstate__(state)


def _empty(*args: Any) -> _Array:
    return _Array((0,), np.dtype(bool))


def _dtype(*args: Any) -> Any:
    try:
        return plain_dtype(*args)
    except ValueError:
        return _NoDtype()


class _Names(dict):
    """Names that a pickle may ask for: those it may, and stand-ins."""

    def __init__(self) -> None:
        super().__init__(PLAIN_NAMES)
        for name, made in PLAIN_NAMES.items():
            if name.endswith('._reconstruct'):
                self[name] = _empty
            elif name.endswith('._frombuffer'):
                self[name] = lambda data, dtype, *form, made=made: (
                    np.zeros(0).view(UnreadArray)
                    if isinstance(dtype, _NoDtype)
                    else made(data, dtype, *form)
                )
        self['numpy.dtype'] = _dtype

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> type:
        return type('Unread', (Unread,), dict(asked=name))


def is_unread(value: Any) -> bool:
    """Whether it only stands for something."""
    return isinstance(value, UnreadArray | _NoDtype) or bool(_asked(value))


def describe_unread(value: Any) -> str:
    """What it stands for."""
    if not _asked(value):
        return 'an array of objects or records'
    return f'not loaded: it asks for {_asked(value)}, which could run code'


def _asked(value: Any) -> str:
    """What an object of a class that is not loaded, or the class, asks for."""
    is_class = isinstance(value, type) and issubclass(value, Unread)
    return value.asked if is_class or isinstance(value, Unread) else ''


def load_with_unread(path: str | Path, what: str) -> Any:
    """As ``load_plain``, but what it refuses stands in annotations.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As :func:`~mmshapmix.unpickling.load_plain`, unless the
            values of annotations are all that is refused.
    """
    try:
        return load_plain(path, what)
    except ValueError as error:
        try:
            data = load_plain(path, what, _Names())
        except ValueError:
            raise error from None
        if not _only_in_annotations(data):
            raise
        return data


def _only_in_annotations(data: Any) -> bool:
    """Whether stand-ins are nowhere but in annotations, right there."""
    rows = data.get('annotations') if isinstance(data, dict) else data
    rows = rows if isinstance(rows, list | tuple) else []
    annotations = {id(row) for row in rows if isinstance(row, dict)}
    seen, left = set(), [data]
    while left:
        value = left.pop()
        if is_unread(value):
            return False
        if id(value) in seen or not isinstance(value, CONTAINERS):
            continue
        seen.add(id(value))
        inner = [*value, *(value.values() if isinstance(value, dict) else ())]
        direct = id(value) in annotations
        left += [v for v in inner if not (direct and is_unread(v))]
    return True
