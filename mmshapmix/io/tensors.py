"""Reading of files that torch saved, as tensors and plain data only."""

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
    """Read tensors, plain containers and numpy values that torch saved.

    Args:
        file: A path or an open binary file.
        map_location: See ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, not saved by torch, or asks for a
            name that is not safe (``torch.serialization.add_safe_globals``).
            The message names the file and the name.
    """
    import torch  # here, since reading other pickles does not need it

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
        raise  # these errors are clear by themselves
    # A broken stream can make torch raise nearly anything.
    except Exception as error:
        name = getattr(file, 'name', file)
        raise ValueError(
            f'Expected a checkpoint of tensors and plain data, but {name} '
            f'{_reason(error)}'
        ) from error


def _checked(path: Path) -> Path | io.BytesIO:
    """Check that unpickling a file of torch ends in reasonable time.

    Returns:
        The path; for the old file format, the content of the file.

    Raises:
        ValueError: If the file is compressed, or has a pickle that is nested
            too deeply.
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
        # The old format, a sequence of pickles, can claim any size; therefore
        # the whole content is read first.
        content.seek(0)
        whole = io.BytesIO(content.read())
    for _ in range(4):
        _DryUnpickler(whole, 'checkpoints').load()
    whole.seek(0)
    return whole


class _Unmade:
    """Placeholder of an object that a pickle would make."""

    def __init__(self, *_: Any) -> None:
        """Ignore all arguments."""


class _DryUnpickler(PlainUnpickler):
    """Dry run of a pickle for torch, which makes only containers.

    torch refuses pickles that can run code, but not those with keys that take
    for ever to hash.
    """

    dispatch = dict(PlainUnpickler.dispatch)

    def find_class(self, module: str, name: str) -> type:
        """Return the placeholder, whatever the name."""
        return _Unmade

    def persistent_load(self, pid: Any) -> _Unmade:
        """Check a reference to a storage; return a placeholder."""
        check_nesting(pid, SPARE)
        return _Unmade()

    def load_call(self) -> None:
        """Check the arguments of a call; make a placeholder."""
        check_nesting(self.stack.pop(), SPARE)
        self.stack[-1] = _Unmade()

    def load_build(self) -> None:
        """Drop the state of an object."""
        self.stack.pop()

    def load_setitems(self) -> None:
        """Check the keys of items, and drop the items."""
        for key in self.pop_mark()[::2]:
            check_nesting(key, SPARE)

    def load_setitem(self) -> None:
        """Check the key of an item, and drop the item."""
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
    """Explain why torch cannot read a file, and name a remedy."""
    if asked := re.search(r'GLOBAL ([\w.]+)', str(error)):
        return (
            f'asks for {asked[1]}, which these do not need; loading it could '
            'run code. Get a file of the state dict alone.'
        )
    if isinstance(error, ValueError):  # from the stand-ins for numpy
        return f'is not loaded: {error}'
    first, *_ = str(error).strip().splitlines() or [type(error).__name__]
    # torch's message about a pickle mainly explains how to load it unsafely.
    detail = '' if isinstance(error, pickle.UnpicklingError) else f' ({first})'
    return (
        'cannot be read: it is truncated, torch did not save it, or it does '
        f'not fit this machine. Get the whole file again.{detail}'
    )
