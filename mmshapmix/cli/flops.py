"""Count the parameters and multiply-adds of the models in configs."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmaction.utils import register_all_modules
from rich.console import Console

from ..analysis.complexity import complexity
from ..analysis.tables import Row, rich_table, write_table
from ..engine.launch import read_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example: %(prog)s my_config.py --shape 2 64 25 3',
    )
    parser.add_argument('configs', nargs='+', type=Path, metavar='CONFIG')
    parser.add_argument(
        '--shape',
        nargs=4,
        type=int,
        metavar=('M', 'T', 'V', 'C'),
        help='shape of a clip; default: that of the validation pipeline',
    )
    parser.add_argument(
        '--num-classes', type=int, help='default: that of each config'
    )
    parser.add_argument(
        '--out', type=Path, help='also write OUT.md and OUT.csv'
    )
    return parser.parse_args(argv)


def row_of(path: Path, args: argparse.Namespace) -> Row:
    """Row of the table for one config."""
    cfg = read_config(path)
    model = cfg.model
    if args.num_classes:
        model.cls_head.num_classes = args.num_classes
    costs = complexity(cfg, args.shape and tuple(args.shape))
    return {
        'backbone': model.backbone.type.removeprefix('mmshapmix.'),
        'classes': model.cls_head.num_classes,
        'M x T x V x C': ' x '.join(map(str, costs.shape)),
        'params (M)': f'{costs.parameters / 1e6:.2f}',
        'multiply-adds (G)': f'{costs.multiply_adds / 1e9:.2f}',
        'config': path.stem,
    }


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    register_all_modules()
    rows = [row_of(path, args) for path in args.configs]
    Console().print(rich_table(rows, 'One clip'))
    if args.out:
        write_table(rows, args.out)
