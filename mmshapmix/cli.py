"""How command-line tools end."""

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
