"""Writing files at once or not at all."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = re.compile(r'.+\.\d+\.partial')


@contextmanager
def replaced(path: str | Path) -> Iterator[Path]:
    """Somewhere to write what then takes the place of a file.

    Nothing is left of it if the writing fails, and the file stays as it was;
    also where the machine dies, since all is on the disk before the file is
    replaced. Missing folders are made.

    Args:
        path: The file.

    Yields:
        Another path in the same folder.
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
    """Remove what killed processes left of files that they were writing.

    Args:
        folder: One in which nobody else writes at present.
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
