"""What torch saved, read as tensors and plain data alone."""

import io
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from .unpickling import SPARE, PlainUnpickler, check_nesting


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
        checked = file if hasattr(file, 'read') else _checked(Path(file))
        loaded = torch.load(
            checked, map_location=map_location, weights_only=True
        )
        check_nesting(loaded, SPARE)
        return loaded
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


def _checked(path: Path) -> Path | io.BytesIO:
    """A file of torch's, none of whose pickles would take for ever.

    Raises:
        ValueError: For these.
    """
    with path.open('rb') as content:
        if content.read(2) == b'PK':
            with zipfile.ZipFile(path) as archive:
                for row in archive.infolist():
                    if row.compress_type != zipfile.ZIP_STORED:
                        raise ValueError('it is compressed')
                    if row.filename.endswith('.pkl'):
                        pickled = io.BytesIO(archive.read(row))
                        _DryUnpickler(pickled, 'checkpoints').load()
            return path
        # The old form, pickles in a row, may claim any size: read it first.
        content.seek(0)
        whole = io.BytesIO(content.read())
    for _ in range(4):
        _DryUnpickler(whole, 'checkpoints').load()
    whole.seek(0)
    return whole


class _Unmade:
    """What a pickle would make."""

    def __init__(self, *_: Any) -> None:
        """Take whatever it is made of."""


class _DryUnpickler(PlainUnpickler):
    """Reads a pickle for torch, and makes no more of it than containers.

    torch refuses what may run code; not, what takes for ever to hash.
    """

    dispatch = dict(PlainUnpickler.dispatch)

    def find_class(self, module: str, name: str) -> type:
        """Look up nothing."""
        return _Unmade

    def persistent_load(self, pid: Any) -> _Unmade:
        """Load nothing."""
        check_nesting(pid, SPARE)
        return _Unmade()

    def load_call(self) -> None:
        """Call nothing."""
        check_nesting(self.stack.pop(), SPARE)
        self.stack[-1] = _Unmade()

    def load_build(self) -> None:
        """Fill nothing."""
        self.stack.pop()

    def load_setitems(self) -> None:
        """Look at keys."""
        for key in self.pop_mark()[::2]:
            check_nesting(key, SPARE)

    def load_setitem(self) -> None:
        """Look at a key."""
        check_nesting(self.stack[-2], SPARE)
        del self.stack[-2:]

    for _code, _load in {
        pickle.REDUCE: load_call,
        pickle.NEWOBJ: load_call,
        pickle.BUILD: load_build,
        pickle.SETITEMS: load_setitems,
        pickle.SETITEM: load_setitem,
    }.items():
        dispatch[_code[0]] = _load


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
