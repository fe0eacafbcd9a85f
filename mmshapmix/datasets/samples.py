"""One sample of an annotation file: brought into one form, or refused.

Coordinates and scores become float32, whole numbers become ``int``, and what
is ``None`` is as if it were absent. Whatever a message says names the file and
the sample.
"""

import numbers
import operator
from typing import Any

import numpy as np

from ..functional.layouts import Layout
from .bad_samples import listed, shown
from .unread import is_unread

Annotation = dict[str, Any]
UNLABELLED = -1
MOST_CLASSES = 2**20
"""Where nobody says how many there are: a larger label is no label."""


def as_integer(value: Any, what: str, where: str) -> int:
    """A Python integer of a Python or numpy one.

    Raises:
        ValueError: For all else, truth values among it.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ValueError(
            f'Expected {what} to be an integer, but {where} has '
            f'{shown(value)}.'
        ) from None


def place(annotation: Annotation, source: str) -> str:
    """The sample and its file, for messages."""
    return f'sample {shown(sample_name(annotation))} of {source}'


def sample_name(annotation: Annotation) -> str | int:
    """What identifies a sample: ``filename``, or ``frame_dir`` without it."""
    name = annotation.get('filename')
    if name is None:
        name = annotation.get('frame_dir')
    return python_value(name)


def python_value(value: Any) -> Any:
    """A number or text of numpy's as Python's own; all else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def is_name(name: Any) -> bool:
    """Whether a sample may have this name: text, or an integer of 64 bits."""
    if type(name) is int:
        return abs(name) < 2**63
    return isinstance(name, str) and name != ''


def tidy_label(
    annotation: Annotation,
    num_classes: int | None,
    source: str,
    optional: bool = False,
) -> None:
    """Make the label of a sample an ``int``.

    Args:
        annotation: The sample; changed.
        num_classes: K; none: not known.
        source: The file, for the error.
        optional: A sample may have none: its label becomes -1.

    Raises:
        ValueError: If it is no integer, or not in ``0..K - 1``.
    """
    where = place(annotation, source)
    if optional:
        annotation.setdefault('label', UNLABELLED)
    _require(annotation, 'label', where)
    label = as_integer(annotation['label'], '`label`', where)
    annotation['label'] = label
    if label == UNLABELLED and optional:
        return
    classes = MOST_CLASSES if num_classes is None else num_classes
    if not 0 <= label < classes:
        raise ValueError(
            f'Expected labels in 0..{classes - 1} (num_classes={num_classes}),'
            f' but {where} has {shown(label)}.'
        )


def tidy_sample(
    annotation: Annotation, layout: Layout | None, source: str
) -> None:
    """Bring all but the label of a sample into one form.

    Args:
        annotation: The sample; changed, but not its arrays.
        layout: The skeleton that is expected; none: any.
        source: The file, for the error.

    Raises:
        ValueError: For what is no sample of a skeleton.
    """
    where = place(annotation, source)
    for key, value in annotation.items():
        if is_unread(value):
            raise ValueError(
                f'Expected arrays of numbers or strings, but `{key}` of '
                f'{where} is {shown(value)}.'
            )
    _require(annotation, 'total_frames', where)
    total = as_integer(annotation['total_frames'], '`total_frames`', where)
    if total < 1:
        raise ValueError(
            f'Expected at least one frame, but {where} has '
            f'{shown(total) if total else "none"}.'
        )
    annotation['total_frames'] = total
    if 'keypoint' in annotation:
        tidy_keypoints(annotation, layout, where)
    _tidy_picture(annotation, where)


def _require(annotation: Annotation, key: str, where: str) -> None:
    if key not in annotation:
        raise ValueError(
            f'Expected `{key}` in every annotation, but {where} has only '
            f'{listed(annotation)}.'
        )


def tidy_keypoints(
    annotation: Annotation, layout: Layout | None, where: str
) -> None:
    """Make coordinates and scores of a sample float32, and check them.

    Args:
        annotation: With ``keypoint`` ``(M, T, V, C)`` and maybe
            ``keypoint_score`` ``(M, T, V)``; or compressed, ``(boxes, V, 3)``
            and ``frame_inds`` ``(boxes,)``. Changed, but not its arrays.
        layout: The skeleton that is expected; none: any.
        where: The sample and its file, for the error.

    Raises:
        ValueError: For other shapes, no person, no frame, another number of
            frames than ``total_frames``, other joints or coordinates than the
            layout has, what is no real number, and what is not finite.
    """
    keypoint = _real(annotation['keypoint'], '`keypoint`', where)
    if 'frame_inds' in annotation:
        _tidy_boxes(annotation, keypoint, where)
        dims = 2
    else:
        _check_frames(keypoint, annotation['total_frames'], where)
        dims = keypoint.shape[3]
    if layout:
        _check_joints(keypoint.shape[-2], dims, layout, where)
    annotation['keypoint'] = _float32(keypoint, where)
    score = annotation.get('keypoint_score')
    if score is None:
        annotation.pop('keypoint_score', None)
        return
    score = _real(score, '`keypoint_score`', where)
    if score.shape != keypoint.shape[:-1]:
        raise ValueError(
            f'Expected `keypoint_score` of shape {keypoint.shape[:-1]}, as '
            f'`keypoint` has joints, but {where} has {score.shape}.'
        )
    annotation['keypoint_score'] = _float32(score, where)


def _real(value: Any, what: str, where: str) -> np.ndarray:
    if not (isinstance(value, np.ndarray) and value.dtype.kind in 'fiu'):
        raise ValueError(
            f'Expected {what} to be an array of real numbers, but {where} has '
            f'{shown(value)}.'
        )
    return value


def _float32(values: np.ndarray, where: str) -> np.ndarray:
    """As stock transforms need it: float32, in C's order, writeable."""
    with np.errstate(over='ignore', invalid='ignore'):
        values = np.require(values, np.float32, ['C', 'W', 'E'])
    # They are NaN if one is, and infinite if one is: no array between.
    if not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise ValueError(
            'Expected coordinates and scores that are finite in float32, but '
            f'{where} has NaN or infinite ones.'
        )
    return values


def _check_frames(keypoint: np.ndarray, total: int, where: str) -> None:
    if keypoint.ndim != 4:
        raise ValueError(
            'Expected `keypoint` of shape (persons, frames, joints, '
            f'coordinates), but {where} has {keypoint.shape}.'
        )
    if not len(keypoint):
        raise ValueError(
            f'Expected at least one person, but {where} has no person: '
            f'`keypoint` is of shape {keypoint.shape}.'
        )
    if keypoint.shape[1] != total:
        raise ValueError(
            f'Expected {shown(total)} frames (`total_frames`), but {where} '
            f'has {keypoint.shape[1]}.'
        )
    if not keypoint.size:
        raise ValueError(
            f'Expected joints and coordinates, but {where} has `keypoint` of '
            f'shape {keypoint.shape}.'
        )


def _tidy_boxes(
    annotation: Annotation, keypoint: np.ndarray, where: str
) -> None:
    """Check compressed keypoints; the numbers of their frames become int64."""
    frames = annotation['frame_inds']
    if not (isinstance(frames, np.ndarray) and frames.dtype.kind in 'iu'):
        raise ValueError(
            'Expected `frame_inds` to be an array of integers, but '
            f'{where} has {shown(frames)}.'
        )
    frames = frames.astype(np.int64)
    boxes = (len(keypoint),) if keypoint.ndim else ()
    if keypoint.shape[2:] != (3,) or frames.shape != boxes:
        raise ValueError(
            'Expected compressed `keypoint` of shape (boxes, joints, 3) and '
            f'`frame_inds` (boxes,), but {where} has {keypoint.shape} and '
            f'{frames.shape}.'
        )
    if not keypoint.size:
        raise ValueError(
            f'Expected at least one person, but {where} has no person.'
        )
    if frames[0] < 0 or (np.diff(frames) < 0).any():
        raise ValueError(
            'Expected `frame_inds` from 0 in ascending order, but '
            f'{where} has others.'
        )
    annotation['frame_inds'] = frames


def check_boxes(annotation: Annotation, box_thr: float, source: str) -> None:
    """Check what Kinetics says of the boxes of a sample.

    Args:
        annotation: With ``box_score`` ``(boxes,)`` and ``valid``, the number
            of frames with a person by least score.
        box_thr: The least score that is asked for.
        source: The file, for the error.

    Raises:
        ValueError: If it does not say so.
    """
    valid, score = annotation.get('valid'), annotation.get('box_score')
    known = isinstance(valid, dict) and isinstance(
        valid.get(box_thr), numbers.Real
    )
    if not known or not isinstance(score, np.ndarray) or score.ndim != 1:
        raise ValueError(
            f'Expected `valid` and `box_score` for boxes of {box_thr}, since '
            f'`valid_ratio` is set, but {place(annotation, source)} has none. '
            'Only Kinetics has them.'
        )


def _check_joints(joints: int, dims: int, layout: Layout, where: str) -> None:
    if joints != layout.num_joints:
        raise ValueError(
            f'Expected {layout.num_joints} joints (layout {layout.name!r}), '
            f'but {where} has {joints}.'
        )
    if dims == layout.dims:
        return
    advice = ' Choose a layout of such skeletons; a dict of one says `dims`.'
    if (layout.dims, dims) == (2, 3):
        advice = (
            ' If the third is the score, store it as `keypoint_score` '
            '(persons, frames, joints) and leave two in `keypoint`.'
        )
    raise ValueError(
        f'Expected {layout.dims} coordinates (layout {layout.name!r}), but '
        f'{where} has {dims}.{advice}'
    )


def _tidy_picture(annotation: Annotation, where: str) -> None:
    """Make ``img_shape`` a tuple; of 3-D skeletons nobody asks for it."""
    size = annotation.get('img_shape')
    if size is None:
        annotation.pop('img_shape', None)
        return
    keypoint = annotation.get('keypoint')
    if keypoint is not None and keypoint.ndim == 4 and keypoint.shape[3] == 3:
        return
    sides = size.tolist() if isinstance(size, np.ndarray) else size
    two = isinstance(sides, list | tuple) and len(sides) == 2
    if not (two and all(map(_is_length, sides))):
        some = isinstance(sides, list | tuple) and 0 < len(sides) < 5
        raise ValueError(
            'Expected `img_shape` to be (height, width) in pixels, but '
            f'{where} has '
            f'{", ".join(map(shown, sides)) if some else shown(size)}.'
        )
    # Of numpy's small integers, sums and products would overflow.
    annotation['img_shape'] = tuple(map(python_value, sides))


def _is_length(side: Any) -> bool:
    real = isinstance(side, numbers.Real) and not isinstance(side, bool)
    return real and 0 < side < np.inf
