"""Plain data from untrusted pickles.

A pickle can call every function that it names. Here it can name only the
stand-ins for numpy in :data:`~mmshapmix.io.plain_numpy.NUMPY_NAMES` and the
types of plain containers. :func:`load_plain` reads files of these and refuses
all others: files that would run code, change objects that they have not made
themselves, or take much more memory or time than their size warrants.
:mod:`mmshapmix.io.tensors` reads files that torch saved.
"""

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from .plain_numpy import NUMPY_NAMES, PlainArray, PlainDtype, fill, reconstruct

DEPTH = 50  # most levels of nested containers; annotations have five
SPARE = 1 << 20  # values or bytes that even a small file may amount to
SHOWN = 200  # most characters of text that an error quotes
ATOMS: tuple[type, ...] = (str, int, float, bool, type(None), bytes, complex)
CONTAINERS = (list, tuple, dict, OrderedDict, set, frozenset)


def _ordinary(*args: Any) -> np.ndarray:
    """Make a :class:`PlainArray`, as an ordinary array of numpy."""
    return PlainArray(*args).view(np.ndarray)


def _encoded(text: str, encoding: str) -> bytes:
    """Stand in for ``codecs.encode``, for bytes in protocols 0 to 2."""
    if encoding != 'latin1' or type(text) is not str:
        raise ValueError(f'Expected text in latin1, but got {encoding!r:.20}.')
    return text.encode(encoding)


def _checked_keys(keys: Iterable) -> list:
    """Check keys: the hash of nested tuples could take for ever."""
    keys = list(keys)
    for key in keys:
        parts = key if type(key) in (tuple, frozenset) else [key]
        for part in parts:
            if type(part) not in ATOMS and not isinstance(part, np.generic):
                raise ValueError(
                    'Expected names and numbers as keys, but got a '
                    f'{type(part).__name__}.'
                )
    return keys


_ORDINARY: dict[Callable, Callable] = {
    PlainArray: _ordinary,
    reconstruct: lambda *_: np.zeros(0, 'b'),
}
PLAIN_NAMES: dict[str, Any] = {
    name: _ORDINARY.get(stand_in, stand_in)
    for name, stand_in in NUMPY_NAMES.items()
} | {
    '_codecs.encode': _encoded,
    'builtins.bytes': lambda: b'',  # protocols 0 to 2 write empty bytes so
    'builtins.set': lambda keys=(): set(_checked_keys(keys)),
    'builtins.frozenset': lambda keys=(): frozenset(_checked_keys(keys)),
    'collections.OrderedDict': lambda pairs=(): _mapping(
        OrderedDict(), [part for key, value in pairs for part in (key, value)]
    ),
}


def _mapping(target: dict, items: list) -> dict:
    """Put alternating keys and values into a dict."""
    target.update(zip(_checked_keys(items[::2]), items[1::2], strict=True))
    return target


class _Within:
    """A file that refuses to read more bytes than are left."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        before = file.tell()
        self.left = file.seek(0, os.SEEK_END) - before
        file.seek(before)

    def read(self, size: int) -> bytes:
        if size > self.left:
            raise EOFError
        self.left -= size
        return self.file.read(size)

    def readline(self) -> bytes:
        line = self.file.readline()
        self.left -= len(line)
        return line


# Based on the unpickler in Python: the one in C allocates memory for any sizes
# that a file claims, and lets the file change all objects that it gets.
class PlainUnpickler(pickle._Unpickler):
    """Unpickles numpy arrays and plain containers, and refuses all else.

    Args:
        file: An open binary file.
        what: Description of the expected content, for errors.
        allowed: Names that a pickle may ask for, and the objects it gets.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(
        pickle._Unpickler.dispatch
    )
    atoms = ATOMS
    # Attributes of pickle._Unpickler that its type stub lacks.
    stack: list[Any]
    metastack: list[list[Any]]
    read: Callable[[int], bytes]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def __init__(
        self,
        file: BinaryIO,
        what: str,
        allowed: Mapping[str, Any] = PLAIN_NAMES,
    ) -> None:
        within = _Within(file)
        super().__init__(within)
        self.what = what
        self.allowed = allowed
        # Bytes that all calls together may make. The same bytes can occur in
        # the file, in a storage and in an array.
        self.budget = 4 * within.left + SPARE

    def find_class(self, module: str, name: str) -> Any:
        """Look up a global that the pickle names.

        Raises:
            pickle.UnpicklingError: If the name is not allowed.
        """
        if module == '__builtin__':  # its name in protocols 0 to 2
            module = 'builtins'
        if f'{module}.{name}' not in self.allowed:
            raise pickle.UnpicklingError(
                f'it asks for {brief(f"{module}.{name}")}, which {self.what} '
                'do not need; loading it could run code'
            )
        return self.allowed[f'{module}.{name}']

    def load_reduce(self) -> None:
        """Call a function, and charge the size of the result."""
        args = self.stack.pop()
        value = self.stack[-1](*args)
        if isinstance(value, np.ndarray):
            self._charge(value.nbytes)
        elif isinstance(value, bytes):
            self._charge(len(value))
        elif not isinstance(value, PlainDtype | np.generic):
            # A set or a dict: each element has at least two bytes in the file.
            self._charge(8 * len(value))
        self.stack[-1] = value

    def _charge(self, size: int) -> None:
        self.budget -= size
        if self.budget < 0:
            raise pickle.UnpicklingError(
                'it would come to many times its own size'
            )

    def load_build(self) -> None:
        """Set the state of an array or a dtype, and of nothing else."""
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is np.ndarray:
            fill(target, state)
            self._charge(target.nbytes)
        elif type(target) is PlainDtype:
            target.__setstate__(state)
        else:
            raise pickle.UnpicklingError(
                f'it changes a {type(target).__name__}, which {self.what} do '
                'not need; loading it could run code'
            )

    def load_bytearray8(self) -> None:
        """Make a bytearray, only after its bytes were read."""
        size = int.from_bytes(self.read(8), 'little')
        self.append(bytearray(self.read(size)))

    def load_appends(self) -> None:
        """Extend a list."""
        items = self.pop_mark()
        self._target(list).extend(items)

    def load_append(self) -> None:
        """Append to a list."""
        value = self.stack.pop()
        self._target(list).append(value)

    def load_setitems(self) -> None:
        """Put items into a dict."""
        items = self.pop_mark()
        _mapping(self._target(dict, OrderedDict), items)

    def load_setitem(self) -> None:
        """Put an item into a dict."""
        items, self.stack[-2:] = self.stack[-2:], []
        _mapping(self._target(dict, OrderedDict), items)

    def load_additems(self) -> None:
        """Put items into a set."""
        items = self.pop_mark()
        self._target(set).update(_checked_keys(items))

    def load_dict(self) -> None:
        """Make a dict (protocol 0)."""
        items = self.pop_mark()
        self.append(_mapping({}, items))

    def load_frozenset(self) -> None:
        """Make a frozenset."""
        items = self.pop_mark()
        self.append(frozenset(_checked_keys(items)))

    def _target(self, *kinds: type) -> Any:
        if type(self.stack[-1]) not in kinds:
            raise pickle.UnpicklingError(
                f'it changes a {type(self.stack[-1]).__name__}'
            )
        return self.stack[-1]

    def load_object(self) -> None:
        """Refuse to make objects in other ways than by a call.

        Raises:
            pickle.UnpicklingError: Always.
        """
        raise pickle.UnpicklingError(
            f'it makes objects, which {self.what} do not need'
        )

    for _code, _load in {
        pickle.REDUCE: load_reduce,
        pickle.BUILD: load_build,
        pickle.BYTEARRAY8: load_bytearray8,
        pickle.APPENDS: load_appends,
        pickle.APPEND: load_append,
        pickle.SETITEMS: load_setitems,
        pickle.SETITEM: load_setitem,
        pickle.ADDITEMS: load_additems,
        pickle.DICT: load_dict,
        pickle.FROZENSET: load_frozenset,
        **dict.fromkeys(
            (pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.INST, pickle.OBJ),
            load_object,
        ),
    }.items():
        dispatch[_code[0]] = _load


def check_nesting(data: Any, most: int) -> None:
    """Check that data can be walked, printed, compared or hashed in time.

    Args:
        data: Nested containers with any other values in them.
        most: Largest number of values. A container that occurs in several
            places counts in each of them.

    Raises:
        ValueError: If a container contains itself, or the data have more
            values or are nested too deeply.
    """
    for _ in _leaves(data, most):
        pass


def check_plain(data: Any, size: int, atoms: tuple[type, ...] = ATOMS) -> None:
    """Check that data are plain, and nested as :func:`check_nesting` permits.

    Args:
        data: Nested containers of numbers, text, bytes and arrays.
        size: Size of the file, in bytes.
        atoms: Permitted types of values that are no containers.

    Raises:
        ValueError: If the data contain anything else or themselves, or amount
            to many times the size of the file.
    """
    for value in _leaves(data, 4 * size + SPARE):
        kind = type(value)
        if kind not in atoms and not isinstance(
            value, np.ndarray | np.generic | bytearray
        ):
            raise ValueError(f'it holds a {kind.__name__}')


def _leaves(data: Any, most: int) -> Iterator[Any]:
    left, count = [(data, 0)], 0
    while left:
        value, depth = left.pop()
        if type(value) not in CONTAINERS:
            yield value
            continue
        count += len(value)
        if depth > DEPTH or count > most:
            raise ValueError(
                'it holds itself, is nested too deeply, or repeats what it '
                'holds too often'
            )
        inner = value.values() if isinstance(value, dict) else value
        left += [(one, depth + 1) for one in inner]


def brief(value: Any) -> str:
    """Shorten a text to one line, for errors that quote a file."""
    text = ' '.join(str(value)[: 2 * SHOWN].split())
    return text if len(text) <= SHOWN else f'{text[: SHOWN - 1]}…'


def load_plain(
    path: str | Path,
    what: str,
    allowed: Mapping[str, Any] = PLAIN_NAMES,
    unpickler: type[PlainUnpickler] = PlainUnpickler,
) -> Any:
    """Read a pickle of plain containers and numpy arrays.

    Args:
        path: The file.
        what: Description of the content, in the plural, for errors.
        allowed: Names that the pickle may ask for, and the objects it gets.
        unpickler: Class of the unpickler.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no pickle, is truncated, or asks for a name
            that is not allowed. The message names the file and the name.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'Expected {what} at {path}, but there is no such file.'
        )
    reason: Exception | str
    with path.open('rb') as file:
        try:
            data = unpickler(file, what, allowed).load()
            check_plain(data, path.stat().st_size, unpickler.atoms)
            return data
        except EOFError as error:
            raise ValueError(
                f'Expected a whole pickle, but {path} is empty or truncated.'
            ) from error
        except (ValueError, pickle.UnpicklingError) as error:
            reason = error
        # A broken stream can make the unpickler raise nearly anything.
        except Exception as error:
            reason = f'it is damaged ({type(error).__name__}: {error})'
    raise ValueError(
        f'Expected a pickle of {what}, but {path} cannot be read: '
        f'{brief(reason).rstrip(".")}.'
    )
