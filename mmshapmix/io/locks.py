"""Locks that keep other processes out of a folder."""

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Lock a folder against other processes; make it if it is missing.

    The lock ends with the process, even if the process is killed. The file
    ``.lock`` stays in the folder; its existence does not mean a lock.

    Args:
        folder: Folder of results.

    Raises:
        ValueError: If another process holds the lock, or if ``.lock`` is not
            the file of a lock.
    """
    path = Path(folder) / '.lock'
    path.parent.mkdir(parents=True, exist_ok=True)
    # Older versions of filelock would follow a link, and empty the file.
    if path.is_symlink() or (
        path.exists() and not (path.is_file() and path.stat().st_size == 0)
    ):
        raise ValueError(
            f'Expected an empty file at {path}, or none, to lock the folder '
            'with, but there is something else. Move it away.'
        )
    lock = FileLock(path, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(
            f'Expected to be alone in {folder}, but another command is at '
            'work there. Wait for it, or end it, or choose another --work-dir.'
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
            raise
        warnings.warn(
            f'The file system of {folder} has no locks. See to it that no '
            'other command works there.',
            stacklevel=3,
        )
    try:
        yield
    finally:
        lock.release()
