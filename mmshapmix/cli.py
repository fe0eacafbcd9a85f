"""How command-line tools begin and end."""

import sys
from collections.abc import Callable
from pathlib import Path


def run_tool(main: Callable[[], None]) -> None:
    """Run a tool; bad input ends it with a line that says what is wrong.

    Args:
        main: The tool.

    Raises:
        SystemExit: For ``OSError`` and ``ValueError``; others pass.
    """
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')


def check_free(force: bool, *paths: Path) -> None:
    """Refuse to write over what is there.

    Args:
        force: Whether that is wanted.
        *paths: What a tool is to write.

    Raises:
        FileExistsError: For the first that exists, without ``force``.
    """
    for path in paths:
        if path.exists() and not force:
            raise FileExistsError(
                f'{path} is there already; --force overwrites it.'
            )
