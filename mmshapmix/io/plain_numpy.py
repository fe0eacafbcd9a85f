"""Stand-ins for what numpy's pickles name: arrays of numbers and strings only.

``numpy.ndarray`` itself must not be within reach of a pickle that nobody
vouches for: called with a dtype of objects and a buffer of bytes, it makes an
array of forged pointers. Nor must dtypes, which can be refitted after an array
was made with them. What stands in here makes arrays only as numpy itself
writes them, and takes no more memory than the bytes that the pickle brings.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

_core = np._core if hasattr(np, '_core') else np.core
CODE_LENGTH = 20  # of the name of a dtype; 'datetime64[ns]' has 14
ORDERS = ('<', '>', '=', '|')  # of bytes


class PlainDtype:
    """Stands in for ``numpy.dtype``: no objects, structures or subarrays.

    It holds the dtype, which nothing else gets hold of: a pickle may set the
    byte order, and the unit of dates, and no more.

    Raises:
        ValueError: For others.
    """

    __slots__ = ('dtype',)

    def __init__(self, code: str, *_: Any) -> None:
        if not isinstance(code, str) or len(code) > CODE_LENGTH:
            raise ValueError('Expected the name of a dtype, but got others.')
        dtype = np.dtype(code, copy=True)  # else it were everybody's
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
                'The file has a dtype that was refitted. It is not loaded: it '
                'may have been made to run code.'
            )
        # Another object: arrays may have been made with the one before.
        self.dtype = np.dtype(self.dtype, copy=True)
        unit = state[8:] if own[8:] else ()
        state = own[0], state[1], *own[2:8], *unit
        self.dtype.__setstate__(state)  # type: ignore[attr-defined]  # no stub


def _dtype_of(stand_in: Any) -> np.dtype:
    if type(stand_in) is not PlainDtype:
        raise ValueError('Expected an array with a dtype, but got another.')
    return stand_in.dtype


def _check_content(content: Any, dtype: np.dtype, shape: tuple) -> None:
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError('Expected the shape of an array, but got another.')
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
    """Do what ``numpy.ndarray.__setstate__`` does, for plain arrays only.

    Raises:
        ValueError: If the bytes are not those of the shape and the dtype.
    """
    version, shape, stand_in, fortran, content = state
    dtype = _dtype_of(stand_in)
    _check_content(content, dtype, shape)
    np.ndarray.__setstate__(array, (version, shape, dtype, fortran, content))


class PlainArray(np.ndarray):
    """Stands in for ``numpy.ndarray``: a new array, which is filled next."""

    def __new__(cls, *args: Any) -> 'PlainArray':
        """Make an empty array; some writers call for it by shape and dtype.

        Raises:
            ValueError: For anything more, a buffer above all.
        """
        if len(args) != 2 or type(args[1]) is not PlainDtype:
            raise ValueError(
                'The file makes a numpy array of other than a shape and a '
                'dtype. It is not loaded: it may have been made to run code.'
            )
        # Its shape comes with its content: nothing is set aside for it now.
        return np.zeros(0, args[1].dtype).view(cls)

    def __setstate__(self, state: tuple) -> None:
        fill(self, state)

    def __reduce__(self) -> str | tuple:
        # Written again, it is an ordinary array.
        return self.view(np.ndarray).__reduce__()


def reconstruct(*_: Any) -> PlainArray:
    """Stand in for ``_reconstruct``: an empty array, which is filled next."""
    return PlainArray(0, PlainDtype('b'))


def plain_scalar(stand_in: PlainDtype, content: bytes) -> np.generic:
    """Stand in for ``scalar``."""
    dtype = _dtype_of(stand_in)
    _check_content(content, dtype, ())
    return _core.multiarray.scalar(dtype, bytes(content))


def plain_buffer(
    content: Any, stand_in: PlainDtype, shape: tuple, order: str = 'C'
) -> np.ndarray:
    """Stand in for ``_frombuffer``."""
    dtype = _dtype_of(stand_in)
    _check_content(content, dtype, shape)
    return _core.numeric._frombuffer(content, dtype, shape, order)


_CORE_NAMES: dict[str, Callable[..., Any]] = {
    'multiarray._reconstruct': reconstruct,
    'multiarray.scalar': plain_scalar,
    'numeric._frombuffer': plain_buffer,
}
# numpy 1 says `core` for what numpy 2 calls `_core`.
NUMPY_NAMES: dict[str, Callable[..., Any]] = {
    'numpy.ndarray': PlainArray,
    'numpy.dtype': PlainDtype,
    **{
        f'numpy.{core}.{name}': stand_in
        for core in ('core', '_core')
        for name, stand_in in _CORE_NAMES.items()
    },
}
