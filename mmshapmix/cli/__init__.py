"""The command ``mmshapmix``: a module for each of its subcommands.

The scripts in ``tools`` are doors to the same modules, for those who work in a
clone: ``python tools/train.py`` is ``mmshapmix train``.
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
    'benchmark': 'fill the table of a benchmark',
    'fuse': 'fuse dumped scores',
    'per-class': 'draw accuracies by class',
    'saliency': 'draw what is salient',
    'exact-saliency': 'of all coalitions',
    'mix': 'draw mixed samples',
    'flops': 'count operations and parameters',
    'longtail': 'write a long-tailed split',
    'synthetic': 'write the synthetic set',
    'pyskl-config': 'convert a config',
    'pyskl-checkpoint': 'convert weights',
    'pyskl-results': 'convert scores',
    'quickstart': 'compare three models on the synthetic set',
}
"""Subcommand, which its module is named after, to what it does."""
AT_WORK = ('run_epoch', 'run_iter')
"""Functions of MMEngine that train or test, and no longer load or build."""


def main() -> None:
    """Run the tool that the first argument names; the rest is for it."""
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
    """Run a tool with the arguments of the command line.

    Its name in usage and errors is ``sys.argv[0]``, without folders. Its
    module is imported only here: one tool does not wait for what others need.

    Args:
        name: One of :data:`TOOLS`.

    Raises:
        SystemExit: If the engine is absent, and as :func:`end_in_a_line`.
    """
    try:
        check_engine()
    except ModuleNotFoundError as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')
    module = import_module(f'{__name__}.{name.replace("-", "_")}')
    end_in_a_line(module.main)


def end_in_a_line(tool: Callable[[], None]) -> None:
    """Run a function; bad input ends it with a line that says what is wrong.

    An error that comes out of MMEngine's loops passes, with its stack trace,
    unless we have raised it ourselves: they read no input.

    Args:
        tool: The function.

    Raises:
        SystemExit: For ``OSError`` and ``ValueError``; others pass.
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
