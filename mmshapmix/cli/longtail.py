"""Cut a long-tailed subset out of a split of an annotation pickle.

The tool writes a new pickle with the subset as one more split, and a list
file. Our configs do not need it: with ``long_tail=dict(…)`` they choose the
same subset themselves.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.annotations import (
    annotations_of,
    load_pickle,
    sample_name,
    save_pickle,
)
from ..datasets.bad_samples import BadSamples
from ..datasets.samples import tidy_label, tidy_sample
from ..datasets.subsets import long_tail_subset
from ..functional.longtail import (
    PROFILES,
    count_classes,
    describe_counts,
)
from ..io.files import check_free


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s ntu60_3d.pkl xsub_train lt.pkl '
        '--max-per-class 600 --imbalance-ratio 100',
    )
    parser.add_argument('annotations', type=Path, help='annotation pickle')
    parser.add_argument('split', help='split to take the subset from')
    parser.add_argument('out', type=Path, help='pickle to write')
    parser.add_argument(
        '--max-per-class',
        type=int,
        required=True,
        help='samples of the largest class',
    )
    parser.add_argument(
        '--imbalance-ratio',
        type=float,
        required=True,
        help='samples of the largest class over samples of the smallest',
    )
    parser.add_argument('--profile', choices=PROFILES, default='exp')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--class-order',
        type=int,
        nargs='+',
        help='classes from most to least frequent (default: by index)',
    )
    parser.add_argument(
        '--num-classes', type=int, help='default: largest label plus one'
    )
    parser.add_argument(
        '--name', help='name of the new split (default: SPLIT_ltRATIO)'
    )
    parser.add_argument(
        '--skip-bad',
        action='store_true',
        help='leave out bad samples, and list them',
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite existing files'
    )
    return parser.parse_args(argv)


def read_samples(data: Any, args: argparse.Namespace) -> list[dict]:
    """Read and check the samples of the split; the data stay unchanged.

    Raises:
        ValueError: For bad samples without ``--skip-bad``, or if no sample is
            left.
    """
    source, bad = str(args.annotations), BadSamples(args.skip_bad)
    samples = annotations_of(data, args.split, source, bad)
    samples = [dict(sample) for sample in samples]

    def check(sample: dict) -> None:
        tidy_label(sample, args.num_classes, source)
        tidy_sample(sample, None, source)

    samples = bad.sound(samples, check, sample_name)
    bad.report(f'{source} ({args.split})')
    if not samples:
        raise ValueError(
            f'Expected good samples in {source} ({args.split}), but got none.'
        )
    return samples


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    name = args.name or f'{args.split}_lt{args.imbalance_ratio:g}'
    list_file = args.out.with_name(f'{args.out.stem}_{name}.txt')
    check_free(args.force, args.out, list_file)
    data = load_pickle(args.annotations)
    samples = read_samples(data, args)
    labels = np.array([sample['label'] for sample in samples])
    num_classes = args.num_classes or int(labels.max()) + 1
    kept = long_tail_subset(
        labels,
        num_classes,
        f'{args.annotations} ({args.split})',
        max_per_class=args.max_per_class,
        imbalance_ratio=args.imbalance_ratio,
        profile=args.profile,
        seed=args.seed,
        class_order=args.class_order,
    )
    names = [sample_name(samples[i]) for i in kept]
    if name in data['split'] and not args.force:
        raise ValueError(
            f'Expected a new split, but {args.annotations} has '
            f'{name!r} already. Choose another --name.'
        )
    save_pickle({**data, 'split': {**data['split'], name: names}}, args.out)
    list_file.write_text(''.join(f'{name}\n' for name in names))

    counts = count_classes(labels[kept], num_classes)
    for label, count in enumerate(counts):
        print(f'class {label:3d}  {count:6d}')
    print(describe_counts(counts))
    print(f'Split {name!r} of {args.out}, and {list_file}')
