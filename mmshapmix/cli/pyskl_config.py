"""Convert a config of PYSKL, or of a descendant, for MMAction2.

The tool prints which keys were changed, dropped or not mapped; the new file
begins with a list of the keys that were not mapped. A PYSKL config is Python
code, and is run to be read: convert only files that you would run.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..interop.pyskl_config import (
    Conversion,
    check_text,
    config_text,
    convert_config,
    describe_notes,
    run_config,
)
from ..io.files import check_free, replaced

UNMAPPED = 3


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='example: %(prog)s '
        'configs/stgcn++/stgcn++_ntu60_xsub_3dkp/j.py j.py',
    )
    parser.add_argument(
        'source', type=Path, help='config of PYSKL; it is run as Python code'
    )
    parser.add_argument('out', type=Path, help='config to write')
    parser.add_argument(
        '--force', action='store_true', help='overwrite existing files'
    )
    parser.add_argument(
        '--strict',
        action='store_true',
        help=f'end with exit code {UNMAPPED} if a key was not mapped; the '
        'file is written all the same',
    )
    masking = parser.add_mutually_exclusive_group()
    masking.add_argument(
        '--masked',
        action='store_true',
        default=None,
        help='hide 2-D joints with low scores, as PYSKL does since 2023-02; '
        'default: only if the config has an argument of that version',
    )
    masking.add_argument(
        '--unmasked',
        action='store_false',
        dest='masked',
        default=None,
        help='keep these joints, as PYSKL did before; its published weights '
        'are older',
    )
    return parser.parse_args(argv)


def text_of(conversion: Conversion, source: Path) -> str:
    lines = [f'Converted from {source}, a config of PYSKL.']
    lines += describe_notes(conversion.notes, ['unmapped'])
    header = ''.join(f'# {line}\n' for line in lines)
    return header + config_text(conversion.config)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    check_free(args.force, args.out)
    conversion = convert_config(run_config(args.source), args.masked)
    text = text_of(conversion, args.source)
    check_text(text, conversion.config)
    with replaced(args.out) as partial:
        partial.write_text(text)
    print('\n'.join(describe_notes(conversion.notes)))
    print(f'Written: {args.out}')
    unmapped = sum(note.kind == 'unmapped' for note in conversion.notes)
    if unmapped:
        print(
            f'{unmapped} keys were NOT mapped: see above, and the top of '
            f'{args.out}.',
            file=sys.stderr,
        )
        if args.strict:
            sys.exit(UNMAPPED)
