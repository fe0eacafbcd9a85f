"""Make the embedded synthetic skeleton data set as a PYSKL pickle.

The data set has the splits ``train`` (balanced), ``train_lt`` (long-tailed)
and ``val``, and the salient body parts of each class.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.annotations import annotations_of, save_pickle
from ..datasets.synthetic import make_dataset
from ..datasets.synthetic.body import POINTS
from ..functional.longtail import count_classes, describe_counts
from ..io.files import check_free


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        epilog='example: %(prog)s data/skeleton/synthetic.pkl',
    )
    parser.add_argument('out', type=Path, help='pickle to write')
    parser.add_argument('--layout', choices=list(POINTS), default='nturgb+d')
    parser.add_argument(
        '--max-per-class',
        type=int,
        default=150,
        help='samples of each class in train',
    )
    parser.add_argument(
        '--imbalance-ratio',
        type=float,
        default=30,
        help='imbalance ratio of train_lt',
    )
    parser.add_argument(
        '--val-per-class',
        type=int,
        default=20,
        help='samples of each class in val',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of all random draws'
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite existing files'
    )
    return parser.parse_args(argv)


def summarise(dataset: dict, path: Path) -> None:
    """Print a line for each class, and the sizes of the splits."""
    counts = {
        split: count_classes(
            [a['label'] for a in annotations_of(dataset, split, path)],
            len(dataset['classes']),
        )
        for split in dataset['split']
    }
    print(f'{"class":14}', *(f'{s:>8}' for s in counts), ' salient parts')
    for label, name in enumerate(dataset['classes']):
        print(
            f'{name:14}',
            *(f'{count[label]:8d}' for count in counts.values()),
            f' {", ".join(dataset["salient_parts"][name]) or "-"}',
        )
    print(f'{"all":14}', *(f'{np.sum(c):8d}' for c in counts.values()))
    print('train_lt:', describe_counts(counts['train_lt']))


def main(argv: Sequence[str] | None = None) -> None:
    args, start = parse_args(argv), time.time()
    check_free(args.force, args.out)
    dataset = make_dataset(
        layout=args.layout,
        max_per_class=args.max_per_class,
        imbalance_ratio=args.imbalance_ratio,
        val_per_class=args.val_per_class,
        seed=args.seed,
    )
    save_pickle(dataset, args.out)
    summarise(dataset, args.out)
    print(
        f'{args.out}: {len(dataset["annotations"])} sequences ({args.layout}),'
        f' {args.out.stat().st_size / 2**20:.0f} MiB,'
        f' {time.time() - start:.1f} s'
    )
