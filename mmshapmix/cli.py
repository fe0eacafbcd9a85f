"""The command ``mmshapmix``, and how command-line tools begin and end."""

import sys
import traceback
from collections.abc import Callable, Collection
from pathlib import Path

from .dependencies import check_engine

PACKAGE = Path(__file__).resolve().parent
TOOLS = {
    'train': ('train.py', 'train a recognizer'),
    'test': ('test.py', 'test a checkpoint'),
    'streams': ('run_streams.py', 'train, test and fuse all streams'),
    'benchmark': ('run_benchmark.py', 'fill the table of a benchmark'),
    'fuse': ('analysis/fuse_streams.py', 'fuse dumped scores'),
    'per-class': ('analysis/plot_per_class.py', 'draw accuracies by class'),
    'saliency': ('analysis/plot_saliency.py', 'draw what is salient'),
    'exact-saliency': ('analysis/exact_saliency.py', 'of all coalitions'),
    'mix': ('analysis/browse_mix.py', 'draw mixed samples'),
    'flops': ('analysis/get_flops.py', 'count operations and parameters'),
    'longtail': ('data/make_longtail.py', 'write a long-tailed split'),
    'synthetic': ('data/make_synthetic.py', 'write the synthetic set'),
    'pyskl-config': ('convert/pyskl_config.py', 'convert a config'),
    'pyskl-checkpoint': ('convert/pyskl_checkpoint.py', 'convert weights'),
    'pyskl-results': ('convert/pyskl_results.py', 'convert scores'),
}
"""Subcommand of ``mmshapmix`` to its script, and what that does."""


def main() -> None:
    """Run the tool that the first argument names; the rest is for it."""
    name = sys.argv[1] if len(sys.argv) > 1 else ''
    if name not in TOOLS:
        lines = [f'  {name:18}{what}' for name, (_, what) in TOOLS.items()]
        usage = ['usage: mmshapmix TOOL …, or mmshapmix TOOL --help', *lines]
        asked = name in ('', '-h', '--help')
        print('\n'.join(usage), file=sys.stdout if asked else sys.stderr)
        sys.exit(0 if asked else f'mmshapmix: there is no tool {name!r}')
    folders = (PACKAGE.parent / 'tools', PACKAGE / '.mim' / 'tools')
    script = next(
        path for f in folders if (path := f / TOOLS[name][0]).is_file()
    )
    sys.argv = [f'mmshapmix {name}', *sys.argv[2:]]
    try:
        check_engine()
    except ModuleNotFoundError as error:
        sys.exit(f'{sys.argv[0]}: {error}')
    # Not by runpy, which would take the subcommand out of `--help`.
    code = compile(script.read_text(encoding='utf-8'), str(script), 'exec')
    exec(code, dict(__name__='__main__', __file__=str(script)))


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
