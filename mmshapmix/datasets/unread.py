"""Stand-ins for the values of an annotation file that are not loaded.

A single refused value makes a pickle unreadable. Here the rest of the file is
read, so that the sample with this value can be named or left out. The classes
and functions that a refused value refers to are neither looked up nor run.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..io.plain_numpy import PlainDtype
from ..io.unpickling import PlainUnpickler, brief, load_plain

CONTAINERS = (dict, list, tuple, set, frozenset)


class Unread:
    """A stand-in for a class, an object or an array that is not loaded.

    Args:
        what: Description of the value, for messages.
    """

    def __init__(self, what: str) -> None:
        self.what = what


def _unless_unread(load: Callable[['_Unpickler'], None], drops: int) -> Any:
    """Wrap a step of the unpickler so that it leaves a stand-in unchanged.

    Args:
        load: The step, which adds values to a container on the stack.
        drops: Number of values that the step takes from the stack; 0: all
            values above a mark.
    """

    def step(self: '_Unpickler') -> None:
        marked = drops == 0  # the values to add lie above a mark
        target = self.metastack[-1][-1] if marked else self.stack[-1 - drops]
        if not isinstance(target, Unread):
            load(self)
        elif marked:
            self.pop_mark()
        else:
            del self.stack[-drops:]

    return step


class _Unpickler(PlainUnpickler):
    """A :class:`PlainUnpickler` that reads stand-ins for refused values."""

    dispatch = dict(PlainUnpickler.dispatch)
    atoms = (*PlainUnpickler.atoms, Unread)

    def find_class(self, module: str, name: str) -> Any:
        """Look up a name, or make a stand-in if it is not allowed."""
        try:
            return super().find_class(module, name)
        except pickle.UnpicklingError:
            asked = brief(f'{module}.{name}')
            return Unread(
                f'not loaded: it asks for {asked}, which could run code'
            )

    def load_reduce(self) -> None:
        """Make an object by a call, or a stand-in for refused objects.

        Dtypes of objects and of records are refused.
        """
        called, args = self.stack[-2:]
        unread = [part for part in (called, *args) if isinstance(part, Unread)]
        if unread:
            self.stack[-2:] = unread[:1]
            return
        try:
            super().load_reduce()
        except ValueError:
            if called is not PlainDtype:
                raise
            self.stack[-1] = Unread('an array of objects or records')

    def load_new(self) -> None:
        """Make an object, unless its class is a stand-in."""
        _, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Unread):
            self.load_object()

    def load_build(self) -> None:
        """Set the state of an object; without a dtype, keep the stand-in."""
        state, target = self.stack[-1], self.stack[-2]
        parts = state if isinstance(state, tuple) else ()
        unread = [p for p in (target, *parts) if isinstance(p, Unread)]
        if unread:
            self.stack[-2:] = unread[:1]
        else:
            super().load_build()

    for _code, _load in {
        pickle.REDUCE: load_reduce,
        pickle.NEWOBJ: load_new,
        pickle.BUILD: load_build,
        pickle.APPEND: _unless_unread(PlainUnpickler.load_append, 1),
        pickle.SETITEM: _unless_unread(PlainUnpickler.load_setitem, 2),
        pickle.APPENDS: _unless_unread(PlainUnpickler.load_appends, 0),
        pickle.SETITEMS: _unless_unread(PlainUnpickler.load_setitems, 0),
        pickle.ADDITEMS: _unless_unread(PlainUnpickler.load_additems, 0),
    }.items():
        dispatch[_code[0]] = _load


def is_unread(value: Any) -> bool:
    """Return whether a value is a stand-in."""
    return isinstance(value, Unread)


def load_with_unread(path: str | Path, what: str) -> Any:
    """Read a pickle with stand-ins for refused values of annotations.

    Args:
        path: The pickle.
        what: Description of its content, for messages.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: See :func:`~mmshapmix.io.unpickling.load_plain`; only
            refused values of annotations are no error here.
    """
    try:
        return load_plain(path, what)
    except ValueError as error:
        try:
            data = load_plain(path, what, unpickler=_Unpickler)
        except ValueError:
            raise error from None
        if not _only_in_annotations(data):
            raise
        return data


def _only_in_annotations(data: Any) -> bool:
    """Return whether all stand-ins are direct values of annotations."""
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
