"""Checks of one sample of an annotation file, and its common form.

Coordinates and scores become float32, whole numbers become ``int``, and
optional values that are ``None`` count as absent. Every message names the file
and the sample.
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
"""Bound of labels if the number of classes is unknown; refuses nonsense."""


def as_integer(value: Any, what: str, where: str) -> int:
    """Convert a Python or numpy integer to a Python integer.

    Raises:
        ValueError: For any other value, also for ``True`` and ``False``.
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
    """Name the sample and its file, for messages."""
    return f'sample {shown(sample_name(annotation))} of {source}'


def sample_name(annotation: Annotation) -> str | int:
    """Name of a sample: its ``filename``, or else its ``frame_dir``."""
    name = annotation.get('filename')
    if name is None:
        name = annotation.get('frame_dir')
    return python_value(name)


def python_value(value: Any) -> Any:
    """Convert numpy numbers and text to Python's; keep all other values."""
    return value.item() if isinstance(value, np.generic) else value


def is_name(name: Any) -> bool:
    """Return whether a value is a valid name: text, or a 64-bit integer."""
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
        num_classes: K; ``None``: not known.
        source: The file, for error messages.
        optional: Whether the sample may lack a label, which becomes -1 then.

    Raises:
        ValueError: If the label is no integer, or not in ``0..K - 1``.
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
    """Convert a sample, except for its label, to the common form.

    Args:
        annotation: The sample; changed, but not its arrays.
        layout: The expected skeleton; ``None``: any.
        source: The file, for error messages.

    Raises:
        ValueError: If the sample is no sample of a skeleton.
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
        annotation: A sample with ``keypoint`` ``(M, T, V, C)`` and optionally
            ``keypoint_score`` ``(M, T, V)``; or a compressed sample with
            ``keypoint`` ``(boxes, V, 3)`` and ``frame_inds`` ``(boxes,)``.
            Changed, but not its arrays.
        layout: The expected skeleton; ``None``: any.
        where: The sample and its file, for error messages.

    Raises:
        ValueError: For other shapes, no person, no frame, another number of
            frames than ``total_frames``, other joints or coordinates than the
            layout has, and values that are not real or not finite.
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
    """Convert to float32, C order and writeable, as stock transforms need.

    Values that are not finite are refused.
    """
    with np.errstate(over='ignore', invalid='ignore'):
        values = np.require(values, np.float32, ['C', 'W', 'E'])
    # The minimum and the maximum are NaN or infinite if any value is; unlike
    # isfinite of all values, they need no temporary array.
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
    """Check compressed keypoints, and convert their frame numbers to int64."""
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
    """Check the scores of a Kinetics sample's boxes.

    Args:
        annotation: A sample with ``box_score`` ``(boxes,)`` and ``valid``, a
            dict from the smallest score to the number of frames with a person.
        box_thr: Smallest score in use.
        source: The file, for error messages.

    Raises:
        ValueError: If the sample lacks either.
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
    """Make ``img_shape`` a tuple; 3-D skeletons do not use it."""
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
    # Python integers, since arithmetic on numpy's small integers overflows.
    annotation['img_shape'] = tuple(map(python_value, sides))


def _is_length(side: Any) -> bool:
    real = isinstance(side, numbers.Real) and not isinstance(side, bool)
    return real and 0 < side < np.inf
