"""Exact Shapley values of part combinations for a trained model.

The model sees every sample with each of the 2^P coalitions of its body parts;
the mean pose replaces absent parts. The probabilities of the true class are
averaged for each class, and Shap-Mix's Eq. (2) gives the values. The result
can be compared with the saliency that a training estimated while it ran.
"""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.registry import DATASETS, MODELS, init_default_scope
from rich.progress import track
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from ..analysis.checkpoints import (
    build_mixer,
    class_names,
    has_table,
    load_weights,
    read_checkpoint,
)
from ..analysis.data import (
    choose_samples,
    evaluation_loader,
    leaf_datasets,
)
from ..analysis.saliency import (
    chance_to_find,
    coalition_names,
    compare_tables,
    exact_coalition_values,
    exact_rows,
    finds_salient,
    top_combination,
)
from ..analysis.tables import write_csv
from ..datasets import get_labels
from ..datasets.annotations import load_pickle
from ..engine.hooks.saliency_hook import (
    MEAN_POSE_SAMPLES,
    measure_mean_pose,
)
from ..engine.launch import add_config_options, load_config
from ..functional.coalitions import coalitions_of_sizes
from ..functional.layouts import Layout, get_layout, joint_masks
from ..functional.longtail import count_classes
from ..functional.shapley import shapley_values
from ..models.estimators import CoalitionValues, ShapleyEstimator
from ..models.mixers import ShapMix


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='example: %(prog)s my_config.py epoch_100.pth '
        '--max-per-class 20',
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='val',
        help='data loader of the config; training data pass through the '
        'validation pipeline, without augmentation',
    )
    parser.add_argument(
        '--ann-split',
        metavar='NAME',
        help='another split of the annotation file',
    )
    parser.add_argument(
        '--max-per-class',
        type=int,
        metavar='N',
        help='at most N random samples of each class',
    )
    parser.add_argument(
        '--layout',
        help='layout of the skeleton; needed if neither the checkpoint nor '
        'the data set names it',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('exact.csv'), help='table to write'
    )
    add_config_options(parser)
    return parser.parse_args(argv)


def find_layout(
    mixer: ShapMix | None, dataset: dict, told: str | None
) -> Layout:
    """Skeleton layout of the mixer, of ``--layout`` or of the data set."""
    layout = mixer.layout if mixer else told or dataset.get('layout')
    if layout is None:
        raise ValueError(
            'Expected a layout of the data set or of the mixer, but neither '
            'names one. Give it by --layout.'
        )
    return get_layout(layout)


def build_model(cfg: Config, checkpoint: dict, source: str) -> nn.Module:
    """The trained model, without a mixer."""
    model_cfg = copy.deepcopy(cfg.model)
    model_cfg.get('data_preprocessor', {}).pop('blending', None)
    model = MODELS.build(model_cfg)
    load_weights(model, checkpoint, source)
    return model.to(get_device())


def make_estimator(
    mixer: ShapMix | None, cfg: Config, layout: Layout
) -> ShapleyEstimator:
    """Estimator with parts and mean pose: the mixer's, or a new one."""
    if mixer and isinstance(mixer.estimator, ShapleyEstimator):
        return mixer.estimator
    if mixer:
        coalitions = mixer.coalitions > 0.5
    else:
        total = len(joint_masks(layout))
        sizes = range(min(2, total), min(3, total) + 1)
        coalitions = coalitions_of_sizes(total, sizes)
    estimator = CoalitionValues(
        num_classes=cfg.model.cls_head.num_classes,
        part_joints=joint_masks(layout),
        coalitions=coalitions,
    )
    print('The checkpoint has no mean pose: measured on the training data.')
    estimator.mean_pose = measure_mean_pose(
        DATASETS.build(cfg.train_dataloader.dataset), 0, MEAN_POSE_SAMPLES
    )
    return estimator


def print_tops(
    worth: Tensor,
    parts: list[str],
    names: list[str],
    samples: np.ndarray,
    salient: dict[str, list[str]] | None,
) -> None:
    """Print the top pair and triple of each class, and if they are salient."""
    found = {}
    tops = [top_combination(worth, size) for size in (2, 3)]
    print(f'{"class":16} {"samples":>7}  {"top pair and triple":58}', end='')
    print('  salient parts found' if salient is not None else '')
    for k, name in enumerate(names):
        line = f'{name:16} {samples[k]:7d}'
        if not worth[k].isfinite().all():
            print(f'{line}  no values')
            continue
        top = [coalition_names(rows[[k]], parts)[0] for _, rows in tops]
        value = [f'{values[k]:+.3f}' for values, _ in tops]
        line += f'  {value[0]} {top[0]:20} {value[1]} {top[1]:30}'
        if salient is not None:
            wanted = set(salient.get(name, ()))
            pair, triple = (set(t.split('+')) for t in top)
            found[name] = finds_salient(pair, triple, wanted)
            line += {True: '  yes', False: '  no', None: '  -'}[found[name]]
        print(line.rstrip())
    if salient is not None:
        chance = [
            chance_to_find(parts, set(salient[name]))
            for name, hit in found.items()
            if hit is not None
        ]
        print_found(found, sum(chance))


def print_found(found: dict[str, bool | None], chance: float) -> None:
    """Print the share of classes whose salient parts were found."""
    without = [name for name, hit in found.items() if hit is None]
    hits = [hit for hit in found.values() if hit is not None]
    share = f' ({100 * sum(hits) / len(hits):.1f} %)' if hits else ''
    left_out = f'; without salient parts: {", ".join(without)}'
    print(
        'The top pair or triple has the salient parts of the data file in '
        f'{sum(hits)} of {len(hits)} classes{share}, by chance in '
        f'{chance:.1f}{left_out if without else ""}.'
    )


def print_comparison(mixer: ShapMix, exact: Tensor) -> None:
    """Compare the saliency table of the training with the exact values."""
    assert mixer.estimator is not None  # the checkpoint has its table
    result = compare_tables(mixer.estimator.saliency().cpu(), exact)
    error = f'root mean square error {result["rmse"]:.4f}, '
    if not isinstance(mixer.estimator, ShapleyEstimator):
        error = ''  # its values are no differences of probabilities
    print(
        f'Running against exact saliency of {exact.shape[1]} combinations: '
        f"{error}Spearman's rank correlation "
        f'{result["rank_correlation"]:.3f} (mean of '
        f'{result["num_classes"]} classes)'
    )


def salient_parts(dataset: dict) -> dict[str, list[str]] | None:
    """Salient parts of each class; ``None`` if the data file has none."""
    data = load_pickle(dataset['ann_file'])
    return data.get('salient_parts') if isinstance(data, dict) else None


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg, checkpoint = load_config(args), read_checkpoint(args.checkpoint)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    loader = evaluation_loader(cfg, args.split, args.ann_split)
    leaf = next(leaf_datasets(loader.dataset))
    mixer = None
    if has_table(checkpoint):
        mixer = build_mixer(checkpoint, args.checkpoint)
    layout = find_layout(mixer, leaf, args.layout)
    model = build_model(cfg, checkpoint, args.checkpoint)
    estimator = make_estimator(mixer, cfg, layout).to(get_device())
    dataset = DATASETS.build(loader.dataset)
    labels = get_labels(dataset)
    chosen = choose_samples(labels, args.max_per_class)
    batches = DataLoader(
        Subset(dataset, chosen),
        batch_size=loader.batch_size,
        num_workers=loader.num_workers,
        collate_fn=pseudo_collate,
    )
    print(
        f'{len(chosen)} samples of split {leaf.get("split")!r} of '
        f'{leaf["ann_file"]}, '
        f'unaugmented, each with {2 ** len(layout.parts)} coalitions'
    )
    worth = exact_coalition_values(
        estimator, model, track(batches, description='Coalition values')
    )
    names = class_names(checkpoint['meta'], len(worth))
    samples = count_classes(labels[chosen], len(worth))
    parts = list(layout.parts)
    print_tops(worth, parts, names, samples, salient_parts(leaf))
    if mixer:
        coalitions = mixer.coalitions.cpu() > 0.5
        print_comparison(mixer, shapley_values(worth, coalitions))
    rows = exact_rows(worth, mixer, estimator, parts, names, samples.tolist())
    write_csv(rows, args.out)
    print(args.out)
