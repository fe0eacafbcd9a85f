"""Labels, names, class counts and layout of a data set, without its pipeline.

They see through MMEngine's ``RepeatDataset``, ``ConcatDataset`` and
``ClassBalancedDataset``, in any nesting.
"""

import os.path as osp
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset

from ..functional.layouts import Layout
from ..functional.longtail import ClassCounts


def _init(dataset: Any) -> None:
    """Load the annotations of a data set that was told to be lazy."""
    if hasattr(dataset, 'full_init'):
        dataset.full_init()


def get_labels(dataset: Any) -> np.ndarray:
    """Label of each index of the data set, ``(len(dataset),)`` int64.

    Raises:
        TypeError: If the innermost data set does not know its labels.
    """
    _init(dataset)
    if isinstance(dataset, RepeatDataset):
        return np.tile(get_labels(dataset.dataset), dataset.times)
    if isinstance(dataset, ConcatDataset):
        return np.concatenate([get_labels(d) for d in dataset.datasets])
    if isinstance(dataset, ClassBalancedDataset):
        return get_labels(dataset.dataset)[dataset.repeat_indices]
    if not hasattr(dataset, 'labels'):
        raise TypeError(
            'Expected a data set that knows its labels, but got '
            f'{type(dataset).__name__}. Use mmshapmix.LongTailPoseDataset in '
            'place of PoseDataset.'
        )
    return dataset.labels


def lacks_labels(dataset: Any) -> bool:
    """Whether samples have no label; other data sets than ours all do."""
    return any(
        (np.asarray(getattr(leaf, 'labels', ())) < 0).any()
        for leaf in _leaves(dataset)
    )


def get_class_counts(dataset: Any) -> ClassCounts:
    """Distinct samples per class, ``(K,)`` int64: repetition adds none.

    Raises:
        TypeError: If the innermost data set does not know its class counts.
        ValueError: If data sets that are put together differ in K.
    """
    _init(dataset)
    if isinstance(dataset, (RepeatDataset, ClassBalancedDataset)):
        return get_class_counts(dataset.dataset)
    if isinstance(dataset, ConcatDataset):
        counts = [get_class_counts(d) for d in dataset.datasets]
        if len({len(c) for c in counts}) > 1:
            raise ValueError(
                'Expected the same number of classes in all data sets of a '
                f'ConcatDataset, but got {[len(c) for c in counts]}. Set '
                '`num_classes` on each.'
            )
        return np.sum(counts, axis=0)
    if not hasattr(dataset, 'class_counts'):
        raise TypeError(
            'Expected a data set that knows its class counts, but got '
            f'{type(dataset).__name__}. Use mmshapmix.LongTailPoseDataset in '
            'place of PoseDataset.'
        )
    return dataset.class_counts


def _inner(dataset: Any) -> list[Any]:
    """What a data set wraps directly."""
    parts = getattr(dataset, 'datasets', [getattr(dataset, 'dataset', None)])
    return [part for part in parts if part is not None]


def wrapped(dataset: Any) -> Iterator[Any]:
    """A data set and all that it wraps, in any depth."""
    yield dataset
    for part in _inner(dataset):
        yield from wrapped(part)


def _leaves(dataset: Any) -> Iterator[Any]:
    """The data sets inside of wrappers."""
    for part in wrapped(dataset):
        _init(part)
        if not _inner(part):
            yield part


def _identities(dataset: Any) -> set[str | tuple[str, str | int]]:
    """What tells samples apart, of data sets that know their names.

    Text names a sample in all files. Numbers begin anew in each.
    """
    return {
        (osp.realpath(leaf.ann_file), name) if str(name).isdigit() else name
        for leaf in _leaves(dataset)
        for name in getattr(leaf, 'names', ())
    }


def shared_names(one: Any, other: Any) -> list[str | int]:
    """Names of the samples that are in both data sets, in order."""
    shared = _identities(one) & _identities(other)
    names = (row[1] if isinstance(row, tuple) else row for row in shared)
    return sorted(names, key=str)


def get_data_layout(dataset: Any) -> Layout | None:
    """The layout of the skeletons; none if no data set says it.

    Raises:
        ValueError: If data sets that are put together differ in it.
    """
    layouts = [getattr(leaf, 'layout', None) for leaf in _leaves(dataset)]
    if any(layout != layouts[0] for layout in layouts):
        raise ValueError(
            'Expected the same layout in all data sets of a ConcatDataset, '
            f'but got {[layout and layout.name for layout in layouts]}.'
        )
    return layouts[0]
