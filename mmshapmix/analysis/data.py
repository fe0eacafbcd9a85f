"""Data loaders of a config, changed to inspect data and models."""

import copy
from collections.abc import Sequence

import numpy as np
from mmengine.config import ConfigDict

from ..engine.launch import leaf_datasets


def features_of(pipeline: Sequence[dict]) -> list[str]:
    """Modalities of a pipeline; ``['j']`` without ``GenSkeFeat``."""
    rows = [row for row in pipeline if row['type'].endswith('GenSkeFeat')]
    return list(rows[0].get('feats', ['j'])) if rows else ['j']


def unrepeated(dataset: dict) -> dict:
    """Remove wrappers that repeat samples from a data set's config."""
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def evaluation_loader(
    config: ConfigDict, split: str, ann_split: str | None = None
) -> ConfigDict:
    """Return a loader's config with the pipeline of the evaluation.

    Args:
        config: A config with ``val_dataloader`` and so on.
        split: ``'train'``, ``'val'`` or ``'test'``. Training data are loaded
            without repetition, by the pipeline of the validation, which has no
            augmentation.
        ann_split: Split of the data file to use instead of the loader's.

    Raises:
        ValueError: If the config has no such loader.
    """
    source = 'val' if split == 'train' else split
    names = [f'{source}_dataloader', f'{split}_dataloader']
    missing = [name for name in names if not config.get(name)]
    if missing:
        raise ValueError(
            f'Expected {missing[0]} in the config for the split {split!r}, '
            'but it has none.'
        )
    loader = copy.deepcopy(config[names[0]])
    if split == 'train':
        pipeline = next(leaf_datasets(loader['dataset']))['pipeline']
        train = unrepeated(config['train_dataloader']['dataset'])
        loader['dataset'] = copy.deepcopy(train)
        for leaf in leaf_datasets(loader['dataset']):
            leaf.update(pipeline=pipeline, test_mode=True)
    if ann_split:
        for leaf in leaf_datasets(loader['dataset']):
            leaf['split'] = ann_split
    return loader


def choose_samples(
    labels: np.ndarray, max_per_class: int | None = None
) -> list[int]:
    """Choose samples of each class at random, with a fixed seed.

    Args:
        labels: ``(N,)`` int64.
        max_per_class: Largest number of samples per class; ``None``: all.

    Returns:
        Indices of the samples, in ascending order.

    Raises:
        ValueError: If samples have no label.
    """
    if labels.min() < 0:
        raise ValueError(
            'Expected labels of all samples, but they have none (-1). Choose '
            'another split.'
        )
    order = np.random.default_rng(0).permutation(len(labels))
    chosen = [
        order[labels[order] == k][:max_per_class] for k in np.unique(labels)
    ]
    return np.sort(np.concatenate(chosen)).tolist()


def joint_loader(loader: ConfigDict) -> tuple[ConfigDict, list[str]]:
    """Return a loader's config for joints, and its original modalities.

    Args:
        loader: The loader's config; not changed.
    """
    loader = copy.deepcopy(loader)
    features = ['j']
    for leaf in leaf_datasets(loader['dataset']):
        features = features_of(leaf['pipeline'])
        for row in leaf['pipeline']:
            if row['type'].endswith('GenSkeFeat'):
                row['feats'] = ['j']
    return loader, features
