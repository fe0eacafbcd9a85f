"""Numpy data out of pickles that nobody vouches for.

A pickle may call what it names. ``numpy.ndarray`` itself must not be among it:
called with a dtype of objects and a buffer of bytes, it makes an array of
forged pointers. A pickle that asks for numpy's names gets what stands in
:data:`NUMPY_NAMES`, which makes arrays of numbers and strings only, and these
only as numpy itself writes them.
"""

from typing import Any

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
    if dtype.hasobject or dtype.kind == 'V':
        raise ValueError(
            f'Expected arrays of numbers or strings, but the file has {dtype}.'
        )
    return dtype


# numpy 1 says `core` for what numpy 2 calls `_core`.
NUMPY_NAMES = {
    'numpy.ndarray': PlainArray,
    'numpy.dtype': plain_dtype,
    **{
        f'numpy.{core}.{name}': stand_in
        for core in ('core', '_core')
        for name, stand_in in {
            'multiarray._reconstruct': reconstruct,
            'multiarray.scalar': _core.multiarray.scalar,
            'numeric._frombuffer': _core.numeric._frombuffer,
        }.items()
    },
}
