"""Stand-ins for the names in numpy's pickles, for plain arrays only.

Plain arrays contain numbers or strings. An untrusted pickle must not get
``numpy.ndarray`` itself: called with a dtype of objects and a buffer of bytes,
it makes an array of forged pointers. Nor must it get dtypes, which can be
changed after an array was made with them. The stand-ins here make arrays only
in the way in which numpy itself writes them, and take no more memory than the
bytes in the pickle.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

_core = np._core if hasattr(np, '_core') else np.core
CODE_LENGTH = 20  # longest name of a dtype; 'datetime64[ns]' has 14
ORDERS = ('<', '>', '=', '|')  # byte orders


class PlainDtype:
    """Stand-in for ``numpy.dtype``, without objects, structures or subarrays.

    The real dtype is an attribute that a pickle cannot reach: a pickle can set
    the byte order and the unit of dates, and nothing else.

    Raises:
        ValueError: For any other dtype.
    """

    __slots__ = ('dtype',)

    def __init__(self, code: str, *_: Any) -> None:
        if not isinstance(code, str) or len(code) > CODE_LENGTH:
            raise ValueError('Expected the name of a dtype, but got others.')
        dtype = np.dtype(code, copy=True)  # not numpy's shared object
        if dtype.kind in 'OV' or dtype.hasobject or dtype.subdtype:
            raise ValueError(
                'Expected arrays of numbers or strings, but the file has '
                f'{dtype}.'
            )
        self.dtype = dtype

    def __setstate__(self, state: tuple) -> None:
        own = self.dtype.__reduce__()[2]
        if (
            state[1] not in ORDERS
            or state[2:5] != own[2:5]
            or state[5:7] != own[5:7]
        ):
            raise ValueError(
                'The file changes a dtype. It is not loaded: it may have been '
                'made to run code.'
            )
        # A new object, since arrays may have been made with the old one.
        self.dtype = np.dtype(self.dtype, copy=True)
        unit = state[8:] if own[8:] else ()
        state = own[0], state[1], *own[2:8], *unit
        self.dtype.__setstate__(state)  # type: ignore[attr-defined]  # no stub


def _dtype_of(stand_in: Any) -> np.dtype:
    if type(stand_in) is not PlainDtype:
        raise ValueError('Expected a dtype of an array, but got no dtype.')
    return stand_in.dtype


def _check_content(content: Any, dtype: np.dtype, shape: tuple) -> None:
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError('Expected a shape of an array, but got no shape.')
    count = math.prod(shape)
    wanted = count * dtype.itemsize
    if (
        type(content) not in (bytes, bytearray)
        or len(content) != wanted
        or (count > 1 and not dtype.itemsize)
    ):
        got = len(content) if isinstance(content, bytes) else 'others'
        raise ValueError(
            f'Expected {wanted} bytes for an array of {dtype}, but the file '
            f'has {got}.'
        )


def fill(array: np.ndarray, state: tuple) -> None:
    """Set the state of a plain array, like ``numpy.ndarray.__setstate__``.

    Raises:
        ValueError: If the bytes do not fit the shape and the dtype.
    """
    version, shape, stand_in, fortran, content = state
    dtype = _dtype_of(stand_in)
    _check_content(content, dtype, shape)
    np.ndarray.__setstate__(array, (version, shape, dtype, fortran, content))


class PlainArray(np.ndarray):
    """Stand-in for ``numpy.ndarray``: a new array, to be filled next."""

    def __new__(cls, *args: Any) -> 'PlainArray':
        """Make an empty array from a shape and a dtype, as some writers do.

        Raises:
            ValueError: For other arguments, in particular a buffer.
        """
        if len(args) != 2 or type(args[1]) is not PlainDtype:
            raise ValueError(
                'The file makes a numpy array, but not from a shape and a '
                'dtype. It is not loaded: it may have been made to run code.'
            )
        # The content comes later with its shape, so no memory is needed yet.
        return np.zeros(0, args[1].dtype).view(cls)

    def __setstate__(self, state: tuple) -> None:
        fill(self, state)

    def __reduce__(self) -> str | tuple:
        # Pickled again as an ordinary array.
        return self.view(np.ndarray).__reduce__()


def reconstruct(*_: Any) -> PlainArray:
    """Stand in for ``_reconstruct``: make an empty array, filled next."""
    return PlainArray(0, PlainDtype('b'))


def plain_scalar(stand_in: PlainDtype, content: bytes) -> np.generic:
    """Stand in for ``scalar``: make a numpy scalar."""
    dtype = _dtype_of(stand_in)
    _check_content(content, dtype, ())
    return _core.multiarray.scalar(dtype, bytes(content))


def plain_buffer(
    content: Any, stand_in: PlainDtype, shape: tuple, order: str = 'C'
) -> np.ndarray:
    """Stand in for ``_frombuffer``: make an array of a buffer."""
    dtype = _dtype_of(stand_in)
    _check_content(content, dtype, shape)
    return _core.numeric._frombuffer(content, dtype, shape, order)


_CORE_NAMES: dict[str, Callable[..., Any]] = {
    'multiarray._reconstruct': reconstruct,
    'multiarray.scalar': plain_scalar,
    'numeric._frombuffer': plain_buffer,
}
# numpy 1 has the package `core`, numpy 2 `_core`.
NUMPY_NAMES: dict[str, Callable[..., Any]] = {
    'numpy.ndarray': PlainArray,
    'numpy.dtype': PlainDtype,
    **{
        f'numpy.{core}.{name}': stand_in
        for core in ('core', '_core')
        for name, stand_in in _CORE_NAMES.items()
    },
}
