"""Skeleton sequences as arrays: modalities, normalisation, length.

Sequences are ``(M, T, V, C)`` float arrays. No function changes its argument.
"""

import numpy as np

from .layouts import Layout


def _difference(
    end: np.ndarray, start: np.ndarray, layout: Layout
) -> np.ndarray:
    """End minus start; on 2-D layouts the third channel is a score.

    Scores are averaged, as in MMAction2. A score of 0 means that a joint was
    not seen and its coordinates are meaningless; the vector and the score are
    then 0.
    """
    vector = end - start
    if layout.dims == 2 and vector.shape[-1] == 3:
        vector[..., 2] = (end[..., 2] + start[..., 2]) / 2
        vector[(end[..., 2] == 0) | (start[..., 2] == 0)] = 0
    return vector


def bone(joints: np.ndarray, layout: Layout) -> np.ndarray:
    """Bone modality ``b``: each joint minus its parent.

    Equal to MMAction2's ``JointToBone`` on its three layouts, except where the
    score of an end is 0: the coordinates of such a joint are not used.

    Args:
        joints: ``(M, T, V, C)``; on 2-D layouts C = 3 carries the score.
        layout: The skeleton, which gives the parents.

    Returns:
        ``(M, T, V, C)`` float32.
    """
    return _vectors(joints, layout.parents, layout)


def skip(joints: np.ndarray, layout: Layout) -> np.ndarray:
    """Skip modality ``k``: each joint minus the parent of its parent.

    BRL, arXiv 2308.14024, section III-D. A root and its children are zero, as
    in the released pairs.

    Args:
        joints: ``(M, T, V, C)``; on 2-D layouts C = 3 carries the score.
        layout: The skeleton, which gives the parents.

    Returns:
        ``(M, T, V, C)`` float32.
    """
    return _vectors(joints, layout.skip_parents, layout)


def _vectors(
    joints: np.ndarray, starts: np.ndarray, layout: Layout
) -> np.ndarray:
    """Vectors to each joint from its start joint; ``starts`` is ``(V,)``."""
    joints = np.asarray(joints, dtype=np.float32)
    return _difference(joints, joints[:, :, starts], layout)


def motion(feature: np.ndarray, layout: Layout) -> np.ndarray:
    """Motion of a modality (``jm``, ``bm``, ``km``).

    The next frame minus this one; the last frame is zero. Equal to MMAction2's
    ``ToMotion``, except where a score is 0, as for :func:`bone`.

    Args:
        feature: ``(M, T, V, C)``.
        layout: The skeleton; on 2-D layouts the score is averaged.

    Returns:
        ``(M, T, V, C)``.
    """
    result = np.zeros_like(feature)
    result[:, :-1] = _difference(feature[:, 1:], feature[:, :-1], layout)
    return result


def rotation_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Rotation matrix ``(3, 3)`` that turns ``start`` onto ``end``.

    Rodrigues' formula. The result is the identity if a vector vanishes or the
    two are parallel, also if they are opposite, where the axis is undefined.
    """
    axis = np.cross(start, end)
    norm = np.linalg.norm(start) * np.linalg.norm(end)
    # 1e-6 is the bound in MMAction2's PreNormalize3D.
    if norm < 1e-12 or np.abs(axis).sum() < 1e-6:
        return np.eye(3)
    angle = np.arccos(np.clip(np.dot(start, end) / norm, -1, 1))
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return (
        np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    )


def drop_empty_frames(joints: np.ndarray) -> np.ndarray:
    """Drop the frames without the main person, and put that person first.

    The main person is the one of the first two who is seen in more frames.

    Args:
        joints: ``(M, T, V, C)``.

    Returns:
        ``(M, T', V, C)``; T' = T if no person is ever seen.
    """
    seen = ~np.isclose(joints, 0).all(axis=(2, 3))
    if len(joints) > 1 and seen[1].sum() > seen[0].sum():
        order = [1, 0, *range(2, len(joints))]
        joints, seen = joints[order], seen[order]
    return joints[:, seen[0]] if seen[0].any() else joints


def align_body(joints: np.ndarray, layout: Layout) -> np.ndarray:
    """Move the body to the origin, its spine onto z, its shoulders onto x.

    The main person's first frame determines the transformation. After
    :func:`drop_empty_frames`, the result equals MMAction2's
    ``PreNormalize3D`` on ``nturgb+d``.

    Args:
        joints: ``(M, T, V, 3)``. All-zero joints are missing and stay zero.
        layout: A 3-D layout with ``origin``, ``spine`` and ``shoulders``.

    Returns:
        ``(M, T, V, 3)``.

    Raises:
        ValueError: If the layout lacks one of these.
    """
    if layout.origin is None or not layout.spine or not layout.shoulders:
        raise ValueError(
            f'Expected layout {layout.name!r} to have `origin`, `spine` and '
            '`shoulders` for 3-D normalisation, but one is missing.'
        )
    seen = (joints != 0).any(-1, keepdims=True)
    joints = (joints - joints[0, 0, layout.origin]) * seen
    bottom, top = joints[0, 0, list(layout.spine)]
    joints = joints @ rotation_between(top - bottom, np.array([0, 0, 1])).T
    right, left = joints[0, 0, list(layout.shoulders)]
    return joints @ rotation_between(right - left, np.array([1, 0, 0])).T


def min_max(joints: np.ndarray) -> np.ndarray:
    """Scale each coordinate of a sequence to [-1, 1].

    The preparation of NW-UCLA in CTR-GCN (arXiv 2107.12213) and BRL. A
    coordinate that never changes becomes 0.

    Args:
        joints: ``(M, T, V, C)``.
    """
    low = joints.min(axis=(0, 1, 2))
    high = joints.max(axis=(0, 1, 2))
    span = np.where(high > low, high - low, 1)
    scaled = (joints - low) / span * 2 - 1
    return np.where(high > low, scaled, 0).astype(joints.dtype)


def fit_box(
    joints: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    r"""Move and scale coordinates so that a box becomes [-1, 1] on each axis.

    .. math:: x' = 2 \frac{x - (l + h) / 2}{h - l}

    Args:
        joints: ``(M, T, V, C)``.
        low: ``(C,)``, the smallest coordinates of the box.
        high: ``(C,)``, the largest coordinates of the box, above ``low``.

    Returns:
        ``(M, T, V, C)`` of the dtype of ``joints``.

    Examples:
        >>> fit_box(np.float32([0, 480, 960]), np.zeros(1), np.array([960]))
        array([-1.,  0.,  1.], dtype=float32)
    """
    middle, sides = (low + high) / 2, high - low
    return ((joints - middle) / sides * 2).astype(joints.dtype)


def fit_visible(
    joints: np.ndarray, visible: np.ndarray, least: float
) -> np.ndarray:
    """Scale a sequence to the box of its visible joints.

    The box covers all persons and frames. PYSKL (arXiv 2205.09443), released
    code, ``PreNormalize2D`` with ``mode='auto'``.

    Args:
        joints: ``(M, T, V, C)``.
        visible: ``(M, T, V)`` bool.
        least: Length that every side of the box must exceed, in the units of
            the coordinates; otherwise nothing changes.

    Returns:
        ``(M, T, V, C)`` of the dtype of ``joints``.
    """
    if not visible.any():
        return joints
    low, high = joints[visible].min(0), joints[visible].max(0)
    if (high - low <= least).any():
        return joints
    return fit_box(joints, low, high)


def resize_frames(sequence: np.ndarray, num_frames: int) -> np.ndarray:
    r"""Resize a sequence along time by linear interpolation.

    Frame :math:`i` of :math:`T'` is taken at
    :math:`\frac{T}{T'} (i + \frac{1}{2}) - \frac{1}{2}`, clipped to the
    sequence. Equal to ``torch.nn.functional.interpolate`` with
    ``align_corners=False``. Where a person appears or disappears, the
    coordinates are interpolated with the zeros of absence, as in CTR-GCN.

    Args:
        sequence: ``(M, T, ...)``, of at least one frame.
        num_frames: T'.

    Returns:
        ``(M, T', ...)``, at least float32.

    Examples:
        >>> resize_frames(np.float32([[0, 8]]), 4)
        array([[0., 2., 6., 8.]], dtype=float32)
    """
    total = sequence.shape[1]
    place = (np.arange(num_frames) + 0.5) * total / num_frames - 0.5
    place = place.clip(0, total - 1)
    before = place.astype(np.int64)
    after = np.minimum(before + 1, total - 1)
    weight = (place - before).reshape(-1, *[1] * (sequence.ndim - 2))
    weight = weight.astype(np.result_type(sequence.dtype, np.float32))
    return sequence[:, before] * (1 - weight) + sequence[:, after] * weight
