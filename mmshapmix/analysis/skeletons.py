"""Drawing of skeletons: a body for every layout, front views."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..datasets.synthetic.actions import Movement
from ..datasets.synthetic.body import AXES, JOINTS, PARTS, Performance, perform
from ..functional.layouts import Layout, get_layout

# Angles of the limbs to the body, in degrees, which make them distinguishable.
STANCE = dict(shoulder=22, hip=7)
# Names of layouts' joints that differ from those of the body.
SAME_JOINTS = dict(
    hip_center='spine_base',
    spine='spine_mid',
    torso='spine_mid',
    shoulder_center='spine_shoulder',
)

# --- positions of the joints -------------------------------------------------


def standing_body() -> dict[str, np.ndarray]:
    """Joints of a standing body by name, each ``(3,)``: x right, z up."""
    sway = np.zeros((1, len(JOINTS), len(AXES)))
    for pivot, degrees in STANCE.items():
        for side in ('l_', 'r_'):
            sway[:, JOINTS.index(side + pivot), AXES.index('side')] = degrees
    still = Performance(
        phase=np.zeros((len(PARTS), 1)),
        amplitude=np.zeros(len(PARTS)),
        fidgets={},
        fidget=np.zeros(len(PARTS)),
        bones=np.ones(len(JOINTS)),
        sway=sway,
        yaw=0.0,
        place=np.zeros(2),
    )
    rest: Movement = {}
    layouts = [get_layout(name) for name in ('coco', 'nturgb+d')]
    return {
        joint: point
        for layout in layouts
        for joint, point in zip(
            layout.joints, perform(rest, still, layout)[0], strict=True
        )
    }


def body_pose(
    layout: Layout, mean_pose: np.ndarray | None = None
) -> np.ndarray:
    """Return a body to draw, ``(V, 2)``, seen from the front.

    The result is the standing body if it has all joints by name, otherwise the
    mean pose, and without one the graph.

    Args:
        layout: The skeleton.
        mean_pose: ``(V, C)``, mean pose of the joints, if known.
    """
    body = standing_body()
    names = [SAME_JOINTS.get(joint, joint) for joint in layout.joints]
    if all(name in body for name in names):
        points = np.stack([body[name] for name in names])
        # The body's right side, at +x, is on the left as seen from the front.
        return points[:, [0, 2]] * (-1, 1)
    if mean_pose is not None:
        return front_view(mean_pose, layout)
    return graph_pose(layout)


def graph_pose(layout: Layout) -> np.ndarray:
    """Positions of the graph's joints as a radial tree, ``(V, 2)``.

    The root is in the middle. The radius of a joint is its distance from the
    root; the ends of the limbs divide the circle evenly, and the angle of any
    other joint is the mean of its children's angles.
    """
    children: dict[int, list[int]] = {v: [] for v in range(layout.num_joints)}
    for joint, parent in layout.inward:
        children[parent].append(joint)
    roots = set(children) - {joint for joint, _ in layout.inward}
    ends = sum(not below for below in children.values())
    counter = itertools.count()
    polar = np.zeros((layout.num_joints, 2))  # radius and angle

    def place(joint: int, ring: int) -> float:
        below = [place(child, ring + 1) for child in children[joint]]
        angle = np.mean(below) if below else 2 * np.pi * next(counter) / ends
        polar[joint] = ring, angle
        return float(angle)

    for root in sorted(roots):
        place(root, int(len(roots) > 1))
    ring, angle = polar.T
    return np.stack([ring * np.sin(angle), ring * np.cos(angle)], 1)


def front_view(points: np.ndarray, layout: Layout) -> np.ndarray:
    """Project skeletons to their front view.

    2-D skeletons are in image coordinates, whose y axis points down. For 3-D
    skeletons, the first axis becomes the horizontal one. The vertical one is
    the other axis along which the upper and the lower half of the body are
    farther apart. The left side of the body is on the right. All skeletons are
    seen from the same direction.

    Args:
        points: ``(..., V, C)``.
        layout: The skeleton.

    Returns:
        ``(..., V, 2)``, right and up.
    """
    if layout.dims == 2:
        return points[..., :2] * np.array([1, -1])
    body = points.reshape(-1, *points.shape[-2:]).mean(0)
    height = np.ptp(body, axis=0)
    if layout.upper and layout.lower:
        upper, lower = list(layout.upper), list(layout.lower)
        height = body[upper].mean(0) - body[lower].mean(0)
    up = 2 if abs(height[2]) >= abs(height[1]) else 1
    left_first = np.array(layout.mirror, dtype=int).reshape(-1, 2)
    left, right = body[left_first, 0].T
    across = -1 if (left - right).sum() < 0 else 1
    rise = -1 if height[up] < 0 else 1
    return points[..., [0, up]] * np.array([across, rise])


def seen_joints(person: np.ndarray) -> np.ndarray:
    """Mask of the joints that are not missing, that is, not all zero.

    A single zero joint is the origin of a normalisation, and not missing.

    Args:
        person: ``(..., V, C)``.

    Returns:
        ``(..., V)`` bool.
    """
    seen = (person != 0).any(-1)
    return seen | ((~seen).sum(-1, keepdims=True) == 1)


# --- drawing -----------------------------------------------------------------


def draw_skeleton(
    axes: Any,
    points: np.ndarray,
    layout: Layout,
    colors: Sequence | np.ndarray,
    width: float = 2.0,
    seen: np.ndarray | None = None,
    zorder: float = 2.0,
) -> None:
    """Draw one person; a bone has the colour of its outer joint.

    Args:
        axes: Axes of matplotlib.
        points: ``(V, 2)``, right and up.
        layout: The skeleton.
        colors: Matplotlib colours of the V joints.
        width: Width of the bones, in points.
        seen: ``(V,)`` bool, the joints to draw; ``None``: all.
        zorder: Drawing order; larger values are drawn over smaller ones.
    """
    from matplotlib.collections import LineCollection

    seen = np.ones(len(points), dtype=bool) if seen is None else seen
    bones = [(v, w) for v, w in layout.inward if seen[v] and seen[w]]
    axes.add_collection(
        LineCollection(
            [points[[v, w]] for v, w in bones],
            colors=[colors[v] for v, _ in bones],
            linewidths=width,
            capstyle='round',
            zorder=zorder,
        )
    )
    joints = np.flatnonzero(seen)
    axes.scatter(
        *points[joints].T,
        s=1.6 * width**2,
        c=[colors[v] for v in joints.tolist()],
        linewidths=0,
        zorder=zorder,
    )
