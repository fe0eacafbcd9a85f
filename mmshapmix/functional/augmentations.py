"""Augmentations of skeleton sequences: the formulas, without random draws.

Joints are ``(M, T, V, C)`` float arrays of coordinates, C = 3 or 2; scores are
``(M, T, V)``; a *sequence* is either of them. A joint whose coordinates are
all zero is missing, and stays missing. No function changes its argument.
"""

import numpy as np

from .layouts import Layout


def map_linearly(joints: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Multiply the coordinates of every joint by a matrix.

    Args:
        joints: ``(M, T, V, C)``.
        matrix: ``(C, C)``; its rows give the new coordinates.

    Returns:
        ``(M, T, V, C)`` of the dtype of ``joints``.
    """
    return (joints @ matrix.T).astype(joints.dtype)


def rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation matrix about the x, then the y, then the z axis.

    Args:
        angles: ``(3,)`` in radians.

    Returns:
        ``(3, 3)``. For a rotation about z alone, the first two rows and
        columns are the rotation of the x-y plane.
    """
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        # A turn about one axis mixes the two others, in cyclic order.
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def shear(amounts: np.ndarray) -> np.ndarray:
    """Shear matrix: ones on the diagonal and the amounts elsewhere.

    AimCLR, arXiv 2112.03590.

    Args:
        amounts: ``(C, C)``; the diagonal is ignored.

    Returns:
        ``(C, C)``.

    Examples:
        >>> shear(np.array([[7, 0.5], [-0.25, 7]]))
        array([[ 1.  ,  0.5 ],
               [-0.25,  1.  ]])
    """
    return np.where(np.eye(len(amounts), dtype=bool), 1, amounts)


def swap_sides(sequence: np.ndarray, layout: Layout) -> np.ndarray:
    """Exchange the values of left and right joints.

    Args:
        sequence: ``(M, T, V, C)`` or ``(M, T, V)``.
        layout: The skeleton, which lists the pairs of joints.

    Returns:
        The same shape and dtype.
    """
    return sequence[:, :, layout.mirrored]


def reflect(joints: np.ndarray) -> np.ndarray:
    """Reflect the coordinates: x becomes -x; each joint keeps its index.

    Followed by :func:`swap_sides`, this gives the mirror image of a body.

    Args:
        joints: ``(M, T, V, C)``.

    Returns:
        The same shape and dtype.
    """
    signs = np.ones(joints.shape[-1])
    signs[0] = -1
    return map_linearly(joints, np.diag(signs))


def hide(sequence: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Set joints to zero, the mark of a missing joint.

    Args:
        sequence: ``(M, T, V, C)`` or ``(M, T, V)``.
        hidden: bool, ``(M, T, V)`` or a shape that broadcasts to it, such as
            ``(V,)``.

    Returns:
        The same shape and dtype as ``sequence``.
    """
    result = sequence.copy()
    result[np.broadcast_to(hidden, sequence.shape[:3])] = 0
    return result


def shifted_frames(total: int, offset: int) -> np.ndarray:
    """Frame numbers moved by an offset, clipped to the sequence.

    Args:
        total: T.
        offset: Frames by which the result starts later, or earlier if
            negative. The last or first frame fills the open end.

    Returns:
        ``(T,)`` int64 in ``[0, T)``.

    Examples:
        >>> shifted_frames(5, 2).tolist(), shifted_frames(5, -2).tolist()
        ([2, 3, 4, 4, 4], [0, 0, 0, 1, 2])
    """
    return (np.arange(total) + offset).clip(0, total - 1)


def _seen(joints: np.ndarray) -> np.ndarray:
    """Mask of the joints that are not missing, ``(M, T, V, 1)`` bool."""
    return (joints != 0).any(-1, keepdims=True)


def add_noise(joints: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Add noise to the joints that are not missing.

    Args:
        joints: ``(M, T, V, C)``.
        noise: ``(M, T, V, C)``, offset of each coordinate.

    Returns:
        ``(M, T, V, C)`` of the dtype of ``joints``.
    """
    return (joints + noise * _seen(joints)).astype(joints.dtype)


def blur(joints: np.ndarray, sigma: float) -> np.ndarray:
    r"""Smooth a sequence along time by a mean with Gaussian weights.

    .. math::
        \tilde x_t = \frac{\sum_o w_o s_{t+o} x_{t+o}}{\sum_o w_o s_{t+o}},
        \qquad w_o = e^{-o^2 / 2 \sigma^2},\ |o| \le 4 \sigma,

    where :math:`s` is 1 where the joint is seen and 0 where it is missing. The
    first and the last frame are repeated beyond the ends. For a joint that is
    never missing, the result equals ``scipy.ndimage.gaussian_filter1d`` with
    ``mode='nearest'``.

    Args:
        joints: ``(M, T, V, C)``.
        sigma: Standard deviation in frames; 0 changes nothing.

    Returns:
        ``(M, T, V, C)`` of the dtype of ``joints``.
    """
    radius = int(4 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    # Below sigma = 1/8 the radius is 0, so the only weight is exp(0); the
    # maximum only avoids a division by zero.
    weights = np.exp(-0.5 * (offsets / max(sigma, 1 / 8)) ** 2)
    seen, total, mass = _seen(joints), 0.0, 0.0
    for offset, weight in zip(offsets.tolist(), weights, strict=True):
        frames = shifted_frames(joints.shape[1], offset)
        total = total + weight * joints[:, frames]
        mass = mass + weight * seen[:, frames]
    mean = total / np.where(seen, mass, 1)
    return (mean * seen).astype(joints.dtype)
