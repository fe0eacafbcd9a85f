"""Convert PYSKL's dumped scores for tools/analysis/fuse_streams.py.

PYSKL writes a list of scores, in the order of its test data; names and labels
come from the annotation file.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..evaluation.dump_scores import write_scores
from ..interop.results import dump_of, read_results, split_samples
from ..io.files import check_free


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s result.pkl ntu60.pkl j.pkl --split xsub_val',
    )
    parser.add_argument(
        'results', help="file that PYSKL's tools/test.py --out wrote"
    )
    parser.add_argument('ann_file', help='annotation file of that test')
    parser.add_argument('out', type=Path, help='pickle to write')
    parser.add_argument(
        '--split', help='split of that test, if the file has splits'
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite existing files'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    check_free(args.force, args.out)
    results = read_results(args.results)
    samples = split_samples(args.ann_file, args.split)
    write_scores(dump_of(results, samples, args.ann_file), args.out)
    scores = results.scores
    labels = [sample['label'] for sample in samples]
    top1 = (scores.argmax(1) == labels).mean()
    print(
        f'{len(scores)} samples, {scores.shape[1]} classes; top-1 {top1:.2%}: '
        "compare it with PYSKL's, or these are other samples"
    )
    print(args.out)
