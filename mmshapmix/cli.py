"""How command-line tools begin and end."""

import sys
import traceback
from collections.abc import Callable, Collection
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def run_tool(main: Callable[[], None], at_work: Collection[str] = ()) -> None:
    """Run a tool; bad input ends it with a line that says what is wrong.

    Args:
        main: The tool.
        at_work: Names of functions that read no input: an error that comes
            out of them passes, with its stack trace, unless we have raised it
            ourselves.

    Raises:
        SystemExit: For ``OSError`` and ``ValueError``; others pass.
    """
    try:
        main()
    except (OSError, ValueError) as error:
        passed = [
            frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)
        ]
        ours = Path(passed[-1].co_filename).is_relative_to(PACKAGE)
        if not ours and any(code.co_name in at_work for code in passed):
            raise
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
