"""Draw the accuracy of each class, for one or several models side by side."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..analysis.per_class import plot_per_class, read_table


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example: %(prog)s ce=A/per_class_test.csv '
        'bs=B/per_class_test.csv',
    )
    parser.add_argument(
        'tables',
        nargs='+',
        metavar='NAME=CSV',
        help='per-class tables, which training and testing write into their '
        'work folders, each with a name for the legend',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('per_class.png'), help='figure file'
    )
    args = parser.parse_args(argv)
    if not all('=' in table for table in args.tables):
        parser.error('expected NAME=CSV, but got ' + ' '.join(args.tables))
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    pairs = (table.split('=', 1) for table in args.tables)
    plot_per_class({name: read_table(path) for name, path in pairs}, args.out)
    print(args.out)
