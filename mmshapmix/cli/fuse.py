"""Fuse the scores of several streams, and report streams and fusions.

The files are written by tools/test.py --dump. Samples are matched by name.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..analysis.fusion import (
    PRESETS,
    Fusion,
    check_disjoint,
    fuse_streams,
    fusion_rows,
    preset_fusion,
    search_weights,
)
from ..analysis.scores import Scores, read_streams
from ..analysis.tables import rich_table


def named_file(text: str) -> tuple[str, Path]:
    """Split ``NAME=FILE``."""
    name, sign, path = text.partition('=')
    if not (name and sign and path):
        raise argparse.ArgumentTypeError(f'expected NAME=FILE, but got {text}')
    return name, Path(path)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that set the weights of the streams."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--preset',
        nargs='+',
        choices=PRESETS,
        help='published fusions; several presets give several fusions',
    )
    how.add_argument(
        '--weights',
        nargs='+',
        type=float,
        metavar='WEIGHT',
        help='one weight for each stream, in their order; default: equal',
    )
    how.add_argument(
        '--search-on',
        nargs='+',
        type=named_file,
        metavar='NAME=FILE',
        help='dumped scores of the same streams on another split; takes the '
        'whole weights from 0 to 3 that have the best mean-class accuracy '
        'there',
    )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s j=j.pkl b=b.pkl jm=jm.pkl bm=bm.pkl '
        '--preset 2s 4s',
    )
    parser.add_argument(
        'streams',
        nargs='+',
        type=named_file,
        metavar='NAME=FILE',
        help='dumped scores of a stream; presets need the names j b k jm bm '
        'km',
    )
    add_weights(parser)
    parser.add_argument(
        '--logits',
        action='store_true',
        help='fuse logits instead of scores by these weights; a preset fuses '
        'what its authors fuse',
    )
    parser.add_argument(
        '--class-counts',
        metavar='CHECKPOINT',
        help='checkpoint with the class counts of the training; needed if '
        'the dumped scores have none',
    )
    parser.add_argument(
        '--any-scores',
        action='store_true',
        help='also fuse scores of the same stream, or of several data sets',
    )
    parser.add_argument(
        '--save', type=Path, help='write the fused scores to this .pkl file'
    )
    args = parser.parse_args(argv)
    for files in (args.streams, args.search_on or []):
        if len(dict(files)) < len(files):
            parser.error('expected a name of its own for each stream')
    if args.save in dict(args.streams).values():
        parser.error('--save: expected another file than those that are fused')
    if args.logits and args.preset:
        parser.error('--logits: a preset says itself what it fuses')
    if args.save and len(args.preset or []) > 1:
        parser.error('--save: expected one fusion, but got several presets')
    return args


def chosen_fusions(
    args: argparse.Namespace, streams: dict[str, Scores]
) -> dict[str, Fusion]:
    """Fusions that the arguments ask for, by name."""
    if args.preset:
        return {name: preset_fusion(name, [*streams]) for name in args.preset}
    of = 'logits' if args.logits else 'scores'
    if args.search_on:
        searched = read_streams(
            dict(args.search_on), any_scores=args.any_scores
        )
        check_disjoint(searched, streams)
        ordered = {name: searched[name] for name in streams}
        return dict(searched=Fusion(search_weights(ordered, of), of))
    if args.weights:
        if len(args.weights) != len(streams):
            raise ValueError(
                f'Expected {len(streams)} weights, one for each stream, but '
                f'got {len(args.weights)}.'
            )
        weights = dict(zip(streams, args.weights, strict=True))
        return dict(weighted=Fusion(weights, of))
    return dict(equal=Fusion(dict.fromkeys(streams, 1), of))


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    streams = read_streams(
        dict(args.streams), args.class_counts, args.any_scores
    )
    fusions = chosen_fusions(args, streams)
    first = next(iter(streams.values()))
    console = Console(highlight=False, soft_wrap=True, markup=False)
    title = f'Accuracy (%) of {len(first.names)} samples'
    console.print(rich_table(fusion_rows(streams, fusions), title))
    if first.class_counts is None:
        console.print(
            'Without training class counts there is no many, medium and few; '
            '--class-counts CHECKPOINT gives them.'
        )
    if args.save:
        fusion = next(iter(fusions.values()))
        fuse_streams(streams, *fusion).save(args.save)
        console.print(str(args.save))
