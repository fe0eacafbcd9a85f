"""Labels, names, class counts and layout of a data set, without its pipeline.

All functions look inside MMEngine's ``RepeatDataset``, ``ConcatDataset`` and
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
    """Load the annotations of a data set with ``lazy_init``."""
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
    """Return whether some samples have no label.

    Only :class:`~.longtail_pose_dataset.LongTailPoseDataset` has such samples.
    """
    return any(
        (np.asarray(getattr(leaf, 'labels', ())) < 0).any()
        for leaf in _leaves(dataset)
    )


def get_class_counts(dataset: Any) -> ClassCounts:
    """Distinct samples per class, ``(K,)`` int64; repetitions do not count.

    Raises:
        TypeError: If the innermost data set does not know its class counts.
        ValueError: If concatenated data sets differ in K.
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
    """Data sets that a data set wraps directly."""
    parts = getattr(dataset, 'datasets', [getattr(dataset, 'dataset', None)])
    return [part for part in parts if part is not None]


def wrapped(dataset: Any) -> Iterator[Any]:
    """Yield a data set and all data sets that it wraps, at any depth."""
    yield dataset
    for part in _inner(dataset):
        yield from wrapped(part)


def _leaves(dataset: Any) -> Iterator[Any]:
    """Yield the innermost data sets, which wrap no other."""
    for part in wrapped(dataset):
        _init(part)
        if not _inner(part):
            yield part


def _identities(dataset: Any) -> set[str | tuple[str, str | int]]:
    """Identifiers of the samples of data sets that know their names.

    A text name identifies a sample across files. A number identifies a sample
    only together with its file, since each file counts anew.
    """
    return {
        (osp.realpath(leaf.ann_file), name) if str(name).isdigit() else name
        for leaf in _leaves(dataset)
        for name in getattr(leaf, 'names', ())
    }


def shared_names(one: Any, other: Any) -> list[str | int]:
    """Names of the samples that are in both data sets, sorted."""
    shared = _identities(one) & _identities(other)
    names = (row[1] if isinstance(row, tuple) else row for row in shared)
    return sorted(names, key=str)


def get_data_layout(dataset: Any) -> Layout | None:
    """Layout of the skeletons; ``None`` if the data set does not say it.

    Raises:
        ValueError: If concatenated data sets differ in their layout.
    """
    layouts = [getattr(leaf, 'layout', None) for leaf in _leaves(dataset)]
    if any(layout != layouts[0] for layout in layouts):
        raise ValueError(
            'Expected the same layout in all data sets of a ConcatDataset, '
            f'but got {[layout and layout.name for layout in layouts]}.'
        )
    return layouts[0]
