"""Numpy data out of pickles that nobody vouches for.

A pickle may call what it names. ``numpy.ndarray`` itself must not be among it:
called with a dtype of objects and a buffer of bytes, it makes an array of
forged pointers. A pickle that asks for numpy's names gets what stands in
:data:`NUMPY_NAMES`, which makes arrays of numbers and strings only, and these
only as numpy itself writes them. :data:`PLAIN_NAMES` adds what plain
containers need, and :func:`load_plain` reads a file of these and refuses
all else. :func:`load_tensors` does the same for what torch saved.
"""

import codecs
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_core = np._core if hasattr(np, '_core') else np.core


class PlainArray(np.ndarray):
    """Stands in for ``numpy.ndarray``: a new array, which is filled next."""

    def __new__(cls, *args: Any) -> 'PlainArray':
        """Make an array of a shape and a dtype; some writers call for it.

        Raises:
            ValueError: For anything more, a buffer above all.
        """
        if len(args) != 2 or not isinstance(args[1], np.dtype):
            raise ValueError(
                'The file makes a numpy array of other than a shape and a '
                'dtype. It is not loaded: it may have been made to run code.'
            )
        return np.zeros(args[0], plain_dtype(args[1])).view(cls)

    def __setstate__(self, state: tuple) -> None:
        # A pickle may add fields to the dtype after it was made.
        check_plain(state[2])
        super().__setstate__(state)

    def __reduce__(self) -> tuple:
        # Written again, it is an ordinary array.
        return self.view(np.ndarray).__reduce__()


def reconstruct(subtype: type, shape: tuple, typecode: Any) -> PlainArray:
    """Stand in for ``_reconstruct``: an empty array, which is filled next."""
    return PlainArray((0,), np.dtype('b'))


def plain_dtype(*args: Any) -> np.dtype:
    """Stand in for ``numpy.dtype``: no objects and no structures.

    Raises:
        ValueError: For dtypes of objects or with fields.
    """
    dtype = np.dtype(*args)
    check_plain(dtype)
    return dtype


def check_plain(dtype: np.dtype) -> None:
    """Refuse dtypes of objects, with fields or of subarrays.

    Raises:
        ValueError: For these.
    """
    if dtype.hasobject or dtype.kind == 'V' or dtype.fields or dtype.subdtype:
        raise ValueError(
            f'Expected arrays of numbers or strings, but the file has {dtype}.'
        )


def plain_scalar(dtype: np.dtype, *value: Any) -> np.generic:
    """Stand in for ``scalar``."""
    check_plain(dtype)
    return _core.multiarray.scalar(dtype, *value)


def plain_buffer(buffer: Any, dtype: np.dtype, *form: Any) -> np.ndarray:
    """Stand in for ``_frombuffer``."""
    check_plain(dtype)
    return _core.numeric._frombuffer(buffer, dtype, *form)


# numpy 1 says `core` for what numpy 2 calls `_core`.
NUMPY_NAMES = {
    'numpy.ndarray': PlainArray,
    'numpy.dtype': plain_dtype,
    **{
        f'numpy.{core}.{name}': stand_in
        for core in ('core', '_core')
        for name, stand_in in {
            'multiarray._reconstruct': reconstruct,
            'multiarray.scalar': plain_scalar,
            'numeric._frombuffer': plain_buffer,
        }.items()
    },
}


def _ordinary(stand_in: Callable) -> Callable:
    """Make what a stand-in makes numpy's own: the type is not asked for."""
    return lambda *args: np.array(stand_in(*args))


PLAIN_NAMES: dict[str, Any] = {
    name: _ordinary(stand_in)
    if stand_in in (PlainArray, reconstruct)
    else stand_in
    for name, stand_in in NUMPY_NAMES.items()
} | {
    '_codecs.encode': codecs.encode,
    'builtins.set': set,
    'builtins.frozenset': frozenset,
    'collections.OrderedDict': OrderedDict,
}


class PlainUnpickler(pickle.Unpickler):
    """Unpickles numpy arrays and plain containers, refuses all else.

    Args:
        file: An open binary file.
        what: What it should hold, for errors.
        allowed: Names that a pickle may ask for, and what it gets.
    """

    def __init__(
        self, file: Any, what: str, allowed: Mapping[str, Any] = PLAIN_NAMES
    ) -> None:
        super().__init__(file)
        self.what = what
        self.allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        """Look up a global that the pickle names.

        Raises:
            pickle.UnpicklingError: If it is not an allowed one.
        """
        if module == '__builtin__':  # protocols 0 to 2 say it so
            module = 'builtins'
        if f'{module}.{name}' not in self.allowed:
            raise pickle.UnpicklingError(
                f'it asks for {module}.{name}, which {self.what} do not need; '
                'loading it could run code'
            )
        return self.allowed[f'{module}.{name}']


def check_arrays(data: Any) -> None:
    """Refuse arrays in containers whose dtype was refitted after it was made.

    Raises:
        ValueError: As :func:`check_plain`.
    """
    seen, left = set(), [data]
    while left:
        value = left.pop()
        if isinstance(value, np.ndarray):
            check_plain(value.dtype)
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            left += value.values() if isinstance(value, dict) else value


def load_plain(
    path: str | Path, what: str, allowed: Mapping[str, Any] = PLAIN_NAMES
) -> Any:
    """Read a pickle of plain containers and numpy arrays.

    Args:
        path: The file.
        what: What it should hold, in the plural, for errors.
        allowed: Names that the pickle may ask for, and what it gets.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no pickle, is truncated, or asks for a name that
            is not allowed. The message names the file and the name.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'Expected {what} at {path}, but there is no such file.'
        )
    with path.open('rb') as file:
        try:
            data = PlainUnpickler(file, what, allowed).load()
            check_arrays(data)
            return data
        except EOFError as error:
            raise ValueError(
                f'Expected a whole pickle, but {path} is empty or truncated.'
            ) from error
        # A broken stream can make the unpickler raise nearly anything.
        except Exception as error:
            reason = 'it is truncated' if 'truncated' in str(error) else error
            raise ValueError(
                f'Expected a pickle of {what}, but {path} cannot be read: '
                f'{reason}.'
            ) from error


def load_tensors(
    file: str | Path | BinaryIO, map_location: Any = 'cpu'
) -> Any:
    """Read what torch saved: tensors, plain containers and numpy's numbers.

    Args:
        file: A path or an open binary file.
        map_location: Of ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is truncated, not torch's, or asks for a name that
            is not safe (``torch.serialization.add_safe_globals``). The message
            names the file and the name.
    """
    import torch  # too heavy for those who read pickles only

    try:
        return torch.load(file, map_location=map_location, weights_only=True)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'Expected a checkpoint at {file}, but there is none.'
        ) from error
    except (IsADirectoryError, PermissionError, torch.OutOfMemoryError):
        raise  # says what it is
    # A broken stream can make torch raise nearly anything.
    except Exception as error:
        name = getattr(file, 'name', file)
        raise ValueError(
            f'Expected a checkpoint of tensors and plain data, but {name} '
            f'{_reason(error)}'
        ) from error


def _reason(error: Exception) -> str:
    """Why torch cannot read a file, and what to do."""
    if asked := re.search(r'GLOBAL ([\w.]+)', str(error)):
        return (
            f'asks for {asked[1]}, which these do not need; loading it could '
            'run code. Get a file of the state dict alone.'
        )
    if isinstance(error, ValueError):  # of what stands in for numpy
        return f'is not loaded: {error}'
    first, *_ = str(error).strip().splitlines() or [type(error).__name__]
    # Of a pickle torch says above all how to load it unsafely.
    detail = '' if isinstance(error, pickle.UnpicklingError) else f' ({first})'
    return (
        'cannot be read: it is truncated, torch did not save it, or it does '
        f'not fit this machine. Get the whole file again.{detail}'
    )
