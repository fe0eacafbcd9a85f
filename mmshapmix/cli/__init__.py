"""The command ``mmshapmix``, with one module for each subcommand.

The scripts in ``tools`` run the same modules: ``python tools/train.py`` does
what ``mmshapmix train`` does.
"""

import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ..dependencies import check_engine

PACKAGE = Path(__file__).resolve().parents[1]
TOOLS = {
    'train': 'train a recognizer',
    'test': 'test a checkpoint',
    'streams': 'train, test and fuse all streams',
    'benchmark': 'train and test the methods of a table',
    'fuse': 'fuse dumped scores',
    'per-class': 'draw the accuracy of each class',
    'saliency': 'draw the salient body parts of classes',
    'exact-saliency': 'compute the exact saliency of a trained model',
    'mix': 'draw mixed samples',
    'flops': 'count operations and parameters',
    'longtail': 'write a long-tailed split',
    'synthetic': 'write the synthetic set',
    'pyskl-config': 'convert a config of PYSKL',
    'pyskl-checkpoint': 'convert published weights',
    'pyskl-results': 'convert scores of PYSKL',
    'quickstart': 'compare three models on the synthetic set',
}
"""Help text of each subcommand; the module has the subcommand's name."""
AT_WORK = ('run_epoch', 'run_iter')
"""MMEngine's functions that train or test, after all is built and loaded."""


def main() -> None:
    """Run the subcommand of the first argument with the other arguments."""
    name = sys.argv[1] if len(sys.argv) > 1 else ''
    if name not in TOOLS:
        lines = [f'  {name:18}{what}' for name, what in TOOLS.items()]
        usage = ['usage: mmshapmix TOOL …, or mmshapmix TOOL --help', *lines]
        asked = name in ('', '-h', '--help')
        print('\n'.join(usage), file=sys.stdout if asked else sys.stderr)
        sys.exit(0 if asked else f'mmshapmix: there is no tool {name!r}')
    sys.argv = [f'mmshapmix {name}', *sys.argv[2:]]
    run_tool(name)


def run_tool(name: str) -> None:
    """Run a subcommand with the arguments of the command line.

    Usage and error messages begin with the file name in ``sys.argv[0]``. Only
    the module of this subcommand is imported, since each import takes time.

    Args:
        name: Key of :data:`TOOLS`.

    Raises:
        SystemExit: If the engine is absent, or as in :func:`end_in_a_line`.
    """
    try:
        check_engine()
    except ModuleNotFoundError as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')
    module = import_module(f'{__name__}.{name.replace("-", "_")}')
    end_in_a_line(module.main)


def end_in_a_line(tool: Callable[[], None]) -> None:
    """Run a tool, and turn an error about its input into a one-line message.

    MMEngine's loops read no input. An error that code outside mmshapmix raises
    in these loops is therefore passed on, with its stack trace.

    Args:
        tool: Function without arguments.

    Raises:
        SystemExit: For ``OSError`` and ``ValueError``; other errors pass.
    """
    try:
        tool()
    except (OSError, ValueError) as error:
        passed = [
            frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)
        ]
        ours = Path(passed[-1].co_filename).is_relative_to(PACKAGE)
        if not ours and any(code.co_name in AT_WORK for code in passed):
            raise
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')
