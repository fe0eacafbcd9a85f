"""Draw the body parts that a training found salient for each class.

The checkpoint contains all that is needed: the running table of saliency that
guided Shap-Mix, the class names and the number of training samples per class.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..analysis.checkpoints import (
    build_mixer,
    class_names,
    group_names,
    parse_config,
    read_checkpoint,
)
from ..analysis.data import features_of, leaf_datasets
from ..analysis.saliency import saliency_rows
from ..analysis.saliency_figure import choose_classes, plot_saliency
from ..analysis.skeletons import body_pose
from ..analysis.tables import write_csv
from ..interop.checkpoints import class_counts_of
from ..models.mixers import ShapMix


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s epoch_100.pth --classes clap bow',
    )
    parser.add_argument(
        'checkpoint', help='checkpoint of a training with ShapMix'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        default=[],
        metavar='NAME_OR_ID',
        help='classes to draw; default: three, with many, medium and few '
        'training samples',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('saliency.png'), help='figure file'
    )
    parser.add_argument(
        '--csv',
        type=Path,
        help='write the saliency of all classes and combinations here',
    )
    return parser.parse_args(argv)


def mean_pose(meta: dict, mixer: ShapMix, path: str) -> np.ndarray | None:
    """Mean pose of the first person, ``(V, C)``; ``None`` for no joints."""
    try:
        train = parse_config(meta['cfg'])['train_dataloader']['dataset']
        features = features_of(next(leaf_datasets(train))['pipeline'])
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(
            "Expected the training data's pipeline in meta['cfg'] of "
            f'{path}, but there is none. Take the checkpoint of a training.'
        ) from error
    assert mixer.estimator is not None  # the checkpoint has its table
    pose = mixer.estimator.mean_pose
    if pose is None or not pose.numel() or features != ['j']:
        return None
    if pose.shape[2] not in (2, 3):
        raise ValueError(
            f'Expected a mean pose of 2 or 3 coordinates in {path}, but got '
            f'{pose.shape[2]}. Take the checkpoint of a training.'
        )
    return pose[0].numpy()


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    checkpoint = read_checkpoint(args.checkpoint)
    mixer, meta = build_mixer(checkpoint, args.checkpoint), checkpoint['meta']
    assert mixer.num_classes is not None and mixer.layout is not None
    names = class_names(meta, mixer.num_classes)
    counts = class_counts_of(meta, mixer.num_classes, args.checkpoint)
    groups = group_names(counts, len(names))
    rows = choose_classes(args.classes, names, groups)
    titles = [
        name if counts is None else f'{name} ({counts[k]})'
        for k, name in enumerate(names)
    ]
    pose = body_pose(mixer.layout, mean_pose(meta, mixer, args.checkpoint))
    plot_saliency(mixer, rows, titles, pose, args.out)
    print(args.out)
    if args.csv:
        write_csv(saliency_rows(mixer, names, counts), args.csv)
        print(args.csv)
