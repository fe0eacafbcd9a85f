"""Atomic writing of files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = re.compile(r'.+\.\d+\.partial')


@contextmanager
def replaced(path: str | Path) -> Iterator[Path]:
    """Replace a file atomically by one that is written under another path.

    If the writing fails, the new file is removed, and the old one stays
    unchanged. This holds also if the machine crashes, since the new file is
    synchronised to the disk before it replaces the old one. Missing folders
    are made.

    Args:
        path: The file.

    Yields:
        The path to write to, in the same folder.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'{path.name}.{os.getpid()}.partial')
    try:
        yield partial
        with partial.open('rb+') as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(folder: str | Path) -> None:
    """Remove partial files that killed processes have left.

    Args:
        folder: A folder in which no other process writes at present.
    """
    for path in Path(folder).iterdir():
        if PARTIAL.fullmatch(path.name):
            path.unlink(missing_ok=True)


def check_free(force: bool, *paths: Path) -> None:
    """Check that files may be written.

    Args:
        force: Whether existing files may be overwritten.
        *paths: Paths of the files.

    Raises:
        FileExistsError: For the first existing file, without ``force``.
    """
    for path in paths:
        if path.exists() and not force:
            raise FileExistsError(
                f'{path} is there already; --force overwrites it.'
            )
