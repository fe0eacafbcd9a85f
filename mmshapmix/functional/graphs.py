"""Skeleton graphs of the backbones: levels, hierarchies, ancestors."""

from collections.abc import Iterable

import numpy as np

Levels = np.ndarray
"""``(G, V)`` bool, the members of each of G disjoint groups of joints."""


def joint_levels(
    num_joints: int,
    edges: Iterable[tuple[int, int]],
    center: int,
    max_levels: int | None = None,
) -> Levels:
    """Group joints by their distance from the centre joint.

    Args:
        num_joints: V.
        edges: Pairs of joints, in either direction.
        center: The joint of the first level.
        max_levels: Number of levels, of which the last also takes all joints
            further away; ``None``: no limit.

    Returns:
        ``(G, V)`` bool; each joint is in one level.

    Raises:
        ValueError: If the centre is no joint, or a joint is not connected to
            the centre.

    Examples:
        >>> joint_levels(4, [(1, 0), (2, 0), (3, 2)], 0).astype(int).tolist()
        [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
        >>> joint_levels(4, [(1, 0), (2, 0), (3, 2)], 0, 2).sum(1).tolist()
        [1, 3]
    """
    if not 0 <= center < num_joints:
        raise ValueError(
            f'Expected a centre of 0 to {num_joints - 1}, but got {center}.'
        )
    linked = np.zeros((num_joints, num_joints), dtype=bool)
    for one, other in edges:
        linked[one, other] = linked[other, one] = True
    depth = np.full(num_joints, -1)
    level = np.arange(num_joints) == center
    while level.any():
        depth[level] = depth.max() + 1
        level = linked[level].any(0) & (depth < 0)
    loose = np.flatnonzero(depth < 0).tolist()
    if loose:
        raise ValueError(
            f'Expected a graph that connects all joints to joint {center}, '
            f'but got none for {loose}. Add edges to the layout.'
        )
    if max_levels is not None:
        depth = np.minimum(depth, max_levels - 1)
    return depth == np.arange(depth.max() + 1)[:, None]


def hierarchies(levels: Levels) -> np.ndarray:
    """The hierarchically decomposed graph of HD-GCN, arXiv 2208.10741.

    Each pair of adjacent levels, fully connected, is a hierarchy. A hierarchy
    has three matrices: links of each joint to itself, links from the inner to
    the outer level, and links back. The matrices are normalised by column:
    the weights from one joint to all its receivers sum to 1.

    Args:
        levels: ``(L + 1, V)`` bool, from :func:`joint_levels`.

    Returns:
        ``(L, 3, V, V)`` float64; entry ``[..., i, j]`` is the weight of joint
        j's feature in joint i's.

    Raises:
        ValueError: If there is only one level.

    Examples:
        >>> hierarchies(joint_levels(3, [(1, 0), (2, 0)], 0))[0, 1:].tolist()
        ... # doctest: +NORMALIZE_WHITESPACE
        [[[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.5, 0.0, 0.0]],
         [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
    """
    if len(levels) < 2:
        raise ValueError(
            f'Expected two levels of joints or more, but got {len(levels)}. '
            'Allow one hierarchy or more, of a skeleton of several joints.'
        )
    inner, outer = levels[:-1], levels[1:]
    own = (inner | outer)[:, :, None] & np.eye(levels.shape[1], dtype=bool)
    outward = outer[:, :, None] & inner[:, None, :]
    links = np.stack([own, outward, outward.swapaxes(1, 2)], axis=1)
    return links / np.maximum(links.sum(2, keepdims=True), 1)


def ancestor_differences(
    num_joints: int,
    edges: Iterable[tuple[int, int]],
    center: int,
    k: int = 1,
) -> np.ndarray:
    r"""The matrix :math:`I - A^k` of InfoGCN's multi-modal skeletons.

    Chi et al., CVPR 2022, 10.1109/CVPR52688.2022.01955: the matrix subtracts
    from each joint its k-th ancestor on the way to the centre. With ``k=1``
    the differences are bones. A joint without a k-th ancestor (every joint,
    if k is large) stays unchanged.

    Args:
        num_joints: V.
        edges: Pairs of joints, in either direction; a tree.
        center: The root of the tree.
        k: Steps towards the root, 1 or more.

    Returns:
        ``(V, V)`` float64.

    Raises:
        ValueError: If k is below 1, or the edges are no tree of all joints.

    Examples:
        >>> ancestor_differences(3, [(1, 0), (2, 1)], 0, k=2).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    """
    if k < 1:
        raise ValueError(f'Expected k of 1 or more, but got {k}.')
    edges = list(edges)
    depth = joint_levels(num_joints, edges, center).argmax(0)
    towards = np.zeros((num_joints, num_joints))
    for pair in edges:
        parent, joint = sorted(pair, key=lambda v: depth[v])
        towards[joint, parent] = 1
    if towards.sum() != num_joints - 1:
        raise ValueError(
            f'Expected a tree, of {num_joints - 1} edges, but got {edges}.'
        )
    return np.eye(num_joints) - np.linalg.matrix_power(towards, k)
