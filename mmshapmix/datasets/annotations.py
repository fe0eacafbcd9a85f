"""Reading and checking PYSKL annotation pickles.

An annotation file is ``dict(split={name: [frame_dir, …]}, annotations=[…])``
or the bare list of annotations. An annotation has ``frame_dir`` (or
``filename``), ``label``, ``total_frames`` and ``keypoint`` ``(M, T, V, C)``,
on 2-D data also ``keypoint_score`` ``(M, T, V)``. Kinetics is compressed: its
annotations have ``box_score`` and ``valid`` only, and the ``kpfiles`` hold
``keypoint`` ``(boxes, V, 3)`` with ``frame_inds`` ``(boxes,)``.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import replaced
from ..functional.layouts import Layout
from ..reading import read_lines
from ..unpickling import load_plain

Annotation = dict[str, Any]


def load_pickle(path: str | Path) -> Any:
    """Read a pickle of plain containers and numpy arrays.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As :func:`~mmshapmix.unpickling.load_plain` says.
    """
    return load_plain(path, 'skeleton annotations')


def save_pickle(data: Any, path: str | Path) -> None:
    """Write a pickle at once or not at all; missing folders are made."""
    with replaced(path) as partial, partial.open('wb') as file:
        pickle.dump(data, file, protocol=4)


def sample_name(annotation: Annotation) -> str:
    """What identifies a sample: ``frame_dir``, or ``filename`` without it."""
    return annotation.get('frame_dir') or annotation['filename']


def annotations_of(
    data: Any, split: str | None, source: str | Path
) -> list[Annotation]:
    """Annotations of one split of a loaded file, in the order of the split.

    Args:
        data: What :func:`load_pickle` returned.
        split: Name of the split; none: all annotations, in file order.
        source: The file, for the error.

    Raises:
        ValueError: If the file is no annotation file, if an annotation lacks
            its name or label or shares its name with another, if there is no
            such split, or if the split names a sample without annotation.
    """
    bare = isinstance(data, list)
    if not bare and not (isinstance(data, dict) and 'annotations' in data):
        raise ValueError(
            'Expected a list of annotations or a dict with `split` and '
            f'`annotations`, but {source} holds a {type(data).__name__}.'
        )
    annotations = data if bare else data['annotations']
    check_fields(annotations, source)
    if split is None:
        return annotations
    splits = {} if bare else data.get('split', {})
    if split not in splits:
        raise ValueError(
            f'Expected a split of {source} ({sorted(splits)}), '
            f'but got {split!r}.'
        )
    return pick_annotations(
        annotations, splits[split], f'split {split!r} of {source}'
    )


def pick_annotations(
    annotations: Sequence[Annotation], names: Sequence[str], source: str
) -> list[Annotation]:
    """Annotations of the named samples, in the order of the names.

    Args:
        annotations: To pick from.
        names: Names of samples.
        source: Where the names come from, for the error.

    Raises:
        ValueError: If a name has no annotation, or comes twice.
    """
    by_name = {sample_name(a): a for a in annotations}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise ValueError(
            f'Expected an annotation for every name in {source}, but '
            f'{len(missing)} of {len(names)} have none: {missing[:5]}.'
        )
    if len(set(names)) < len(names):
        raise ValueError(
            f'Expected distinct names in {source}, but '
            f'{len(names) - len(set(names))} are repeated.'
        )
    return [by_name[name] for name in names]


def read_list(path: str | Path) -> list[str]:
    """Sample names of a list file, one a line; the last may lack its end."""
    return read_lines(path, 'a sample list')


def check_fields(
    annotations: Sequence[Annotation], source: str | Path
) -> None:
    """Check that all annotations have a label and a name of their own.

    Raises:
        ValueError: Names file and sample.
    """
    names = set()
    for i, annotation in enumerate(annotations):
        if not ('frame_dir' in annotation or 'filename' in annotation):
            raise ValueError(
                f'Expected `frame_dir` in every annotation of {source}, but '
                f'number {i} has only {sorted(annotation)}.'
            )
        name = sample_name(annotation)
        if 'label' not in annotation or 'total_frames' not in annotation:
            raise ValueError(
                'Expected `label` and `total_frames` in every annotation of '
                f'{source}, but sample {name!r} has only {sorted(annotation)}.'
            )
        if name in names:
            raise ValueError(
                f'Expected distinct names in {source}, but {name!r} has '
                'several annotations.'
            )
        names.add(name)


def check_keypoints(
    annotation: Annotation, layout: Layout | None, source: str
) -> None:
    """Check the coordinates of one sample.

    Args:
        annotation: With ``keypoint`` ``(M, T, V, C)``, or compressed
            ``(boxes, V, 3)``.
        layout: The skeleton that is expected; none: any.
        source: The file, for the error.

    Raises:
        ValueError: For no frames, another number of frames than
            ``total_frames``, NaN or infinite coordinates or scores, or the
            wrong number of joints. The message names file and sample.
    """
    keypoint = np.asarray(annotation['keypoint'])
    where = f'sample {sample_name(annotation)!r} of {source}'
    if keypoint.size == 0 or annotation['total_frames'] == 0:
        raise ValueError(f'Expected at least one frame, but {where} has none.')
    if keypoint.ndim == 4 and keypoint.shape[1] != annotation['total_frames']:
        raise ValueError(
            f'Expected {annotation["total_frames"]} frames (`total_frames`), '
            f'but {where} has {keypoint.shape[1]}.'
        )
    score = annotation.get('keypoint_score', 0.0)
    if not (np.isfinite(keypoint).all() and np.isfinite(score).all()):
        raise ValueError(
            f'Expected finite coordinates and scores, but {where} has NaN or '
            'infinite ones.'
        )
    if layout and keypoint.shape[-2] != layout.num_joints:
        raise ValueError(
            f'Expected {layout.num_joints} joints (layout {layout.name!r}), '
            f'but {where} has {keypoint.shape[-2]}.'
        )


def check_labels(
    annotations: Sequence[Annotation], num_classes: int, source: str
) -> None:
    """Check that all labels are in ``0..num_classes - 1``.

    Raises:
        ValueError: Names file, sample and label.
    """
    for annotation in annotations:
        label = annotation['label']
        if not 0 <= label < num_classes:
            raise ValueError(
                f'Expected labels in 0..{num_classes - 1} (num_classes='
                f'{num_classes}), but sample {sample_name(annotation)!r} of '
                f'{source} has {label}.'
            )
