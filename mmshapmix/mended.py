"""Run a script, such as a tool of MMAction2, after the stack is mended.

``python -m mmshapmix.mended SCRIPT [ARGUMENTS]`` is ``python SCRIPT
[ARGUMENTS]`` with mmshapmix imported first. A script that imports
``mmaction.models`` before it reads a config needs that: the config's
``custom_imports`` come too late for it.
"""

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Run the script that the arguments name."""
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_file():
        sys.exit('Usage: python -m mmshapmix.mended SCRIPT [ARGUMENTS]')
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)  # as of a script
    runpy.run_path(sys.argv[0], run_name='__main__')


if __name__ == '__main__':
    main()
