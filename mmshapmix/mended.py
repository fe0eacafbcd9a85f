"""Run a script, such as a tool of MMAction2, with the fixes of mmshapmix.

``python -m mmshapmix.mended SCRIPT [ARGUMENTS]`` is ``python SCRIPT
[ARGUMENTS]`` with mmshapmix imported first. Scripts that import
``mmaction.models`` before they read a config need this, since the config's
``custom_imports`` are too late for them.
"""

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Run the script that the arguments name."""
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_file():
        sys.exit('Usage: python -m mmshapmix.mended SCRIPT [ARGUMENTS]')
    del sys.argv[0]
    # The folder of the script, as when Python runs it.
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name='__main__')


if __name__ == '__main__':
    main()
