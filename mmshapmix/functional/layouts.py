"""Skeleton layouts as data: one table row per skeleton.

Graphs follow MMAction2 (``mmaction/models/utils/graph.py``), bone pairs follow
its ``JointToBone``; NTU and COCO parts follow Shap-Mix (arXiv 2407.12312,
released code), NTU and NW-UCLA halves follow BRL (arXiv 2308.14024, released
code). No source gives parts or halves for ``openpose``, ``penn-action`` and
``sbu``: those are chosen here by the same anatomy. Left and right are the
person's own left and right.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch

Pair = tuple[int, int]
Joints = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """One skeleton with V joints.

    Args:
        name: The name used in configs.
        joints: Names of the V joints, in the order of the data.
        inward: Graph edges ``(joint, neighbour towards the centre)``.
        center: The graph's centre joint.
        bones: Pairs ``(joint, parent)`` whose difference is the bone of
            ``joint``; a joint without a pair is a root, and its bone is zero.
            Empty: the same as ``inward``.
        mirror: Pairs ``(left, right)`` of joints that a flip exchanges.
        parts: Disjoint joint groups covering the body, by name.
        upper: Joints of the upper half of the body.
        lower: Joints of the lower half.
        dims: Spatial coordinates, 3 or 2. With 2, a third channel is the
            keypoint score.
        origin: The joint that normalisation moves to the origin.
        spine: ``(bottom, top)``, turned onto the z axis by normalisation.
        shoulders: ``(right, left)``, turned onto the x axis.
    """

    name: str
    joints: tuple[str, ...]
    inward: tuple[Pair, ...]
    center: int
    bones: tuple[Pair, ...] = ()
    mirror: tuple[Pair, ...] = ()
    parts: Mapping[str, Joints] = field(default_factory=dict)
    upper: Joints = ()
    lower: Joints = ()
    dims: int = 3
    origin: int | None = None
    spine: Pair | None = None
    shoulders: Pair | None = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def num_joints(self) -> int:
        """Number of joints, V."""
        return len(self.joints)

    @property
    def parents(self) -> np.ndarray:
        """Parent of each joint along the bones, ``(V,)`` int64.

        A root is its own parent.
        """
        parents = np.arange(self.num_joints)
        for joint, parent in self.bones or self.inward:
            parents[joint] = parent
        return parents

    @property
    def skip_parents(self) -> np.ndarray:
        """Parent of the parent of each joint, ``(V,)`` int64.

        Used by BRL's skip modality (arXiv 2308.14024, section III-D). For a
        joint whose parent is a root the value is the joint itself, as in the
        released pairs.
        """
        parents = self.parents
        joints = np.arange(self.num_joints)
        return np.where(parents[parents] == parents, joints, parents[parents])

    @property
    def mirrored(self) -> np.ndarray:
        """Counterpart of each joint on the other side, ``(V,)`` int64.

        A joint without a counterpart is its own.
        """
        order = np.arange(self.num_joints)
        for left, right in self.mirror:
            order[[left, right]] = right, left
        return order

    def graph(self) -> dict[str, Any]:
        """Return the dict that MMAction2 takes as ``graph_cfg.layout``."""
        return dict(
            num_node=self.num_joints,
            inward=list(self.inward),
            center=self.center,
        )


def _repeated(values: Iterable) -> list:
    return [v for v, n in Counter(values).items() if n > 1]


def _check_range(layout: Layout, what: str, joints: Iterable[int]) -> None:
    wrong = [v for v in joints if not 0 <= v < layout.num_joints]
    if wrong:
        raise ValueError(
            f'Expected joints in 0..{layout.num_joints - 1} in {what} of '
            f'layout {layout.name!r}, but got {wrong}.'
        )


def _check_cover(
    layout: Layout, what: str, groups: Mapping[str, Joints]
) -> None:
    """Check that the groups are disjoint and cover every joint."""
    joints = [v for group in groups.values() for v in group]
    _check_range(layout, what, joints)
    missing = sorted(set(range(layout.num_joints)) - set(joints))
    if missing:
        raise ValueError(
            f'Expected {what} of layout {layout.name!r} to cover every joint, '
            f'but joints {missing} are missing.'
        )
    if _repeated(joints):
        raise ValueError(
            f'Expected {what} of layout {layout.name!r} to be disjoint, but '
            f'joints {_repeated(joints)} are in more than one place.'
        )


def _check_tree(layout: Layout, what: str, pairs: tuple[Pair, ...]) -> None:
    """Check that a joint has at most one parent and there is no loop."""
    _check_range(layout, what, [v for pair in pairs for v in pair])
    children = [joint for joint, _ in pairs]
    if _repeated(children):
        raise ValueError(
            f'Expected each joint to have one parent in {what} of layout '
            f'{layout.name!r}, but joints {_repeated(children)} have several.'
        )
    parents = dict(pairs)
    for joint in children:
        seen = set()
        while joint in parents:
            if joint in seen:
                raise ValueError(
                    f'Expected {what} of layout {layout.name!r} to be a tree, '
                    f'but joint {joint} is on a loop.'
                )
            seen.add(joint)
            joint = parents[joint]


def _check(layout: Layout) -> None:
    if _repeated(layout.joints):
        raise ValueError(
            f'Expected distinct joint names in layout {layout.name!r}, but '
            f'{_repeated(layout.joints)} are doubled.'
        )
    if layout.dims not in (2, 3):
        raise ValueError(
            f'Expected `dims` of layout {layout.name!r} to be 2 '
            f'or 3, but got {layout.dims!r}.'
        )
    _check_tree(layout, 'inward', layout.inward)
    connected = {v for pair in layout.inward for v in pair} | {layout.center}
    loose = sorted(set(range(layout.num_joints)) - connected)
    if loose:
        raise ValueError(
            f'Expected inward of layout {layout.name!r} to connect every '
            f'joint, but joints {loose} are missing.'
        )
    _check_tree(layout, 'bones', layout.bones)
    axes = [layout.origin, *(layout.spine or ()), *(layout.shoulders or ())]
    _check_range(
        layout,
        'center, origin, spine and shoulders',
        [layout.center, *(v for v in axes if v is not None)],
    )
    pairs = [v for pair in layout.mirror for v in pair]
    _check_range(layout, 'mirror', pairs)
    if _repeated(pairs):
        raise ValueError(
            f'Expected each joint once in mirror of layout {layout.name!r}, '
            f'but joints {_repeated(pairs)} are doubled.'
        )
    if layout.parts:
        _check_cover(layout, 'parts', layout.parts)
    if layout.upper or layout.lower:
        _check_cover(
            layout,
            'upper and lower',
            dict(upper=layout.upper, lower=layout.lower),
        )


# fmt: off
NTURGBD = Layout(
    name='nturgb+d',
    joints=('spine_base', 'spine_mid', 'neck', 'head',
            'l_shoulder', 'l_elbow', 'l_wrist', 'l_hand',
            'r_shoulder', 'r_elbow', 'r_wrist', 'r_hand',
            'l_hip', 'l_knee', 'l_ankle', 'l_foot',
            'r_hip', 'r_knee', 'r_ankle', 'r_foot',
            'spine_shoulder', 'l_hand_tip', 'l_thumb', 'r_hand_tip',
            'r_thumb'),
    inward=((0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5), (7, 6),
            (8, 20), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13),
            (15, 14), (16, 0), (17, 16), (18, 17), (19, 18), (21, 7), (22, 7),
            (23, 11), (24, 11)),
    center=20,
    bones=((0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5), (7, 6),
           (8, 20), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13),
           (15, 14), (16, 0), (17, 16), (18, 17), (19, 18), (21, 22), (22, 7),
           (23, 24), (24, 11)),
    mirror=((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18),
            (15, 19), (21, 23), (22, 24)),
    parts=dict(
        trunk=(3, 2, 20, 1, 0),
        right_arm=(8, 9, 10, 11, 23, 24),
        left_arm=(4, 5, 6, 7, 21, 22),
        right_leg=(16, 17, 18, 19),
        left_leg=(12, 13, 14, 15)),
    upper=(*range(1, 12), *range(20, 25)),
    lower=(0, *range(12, 20)),
    origin=1,
    spine=(0, 1),
    shoulders=(8, 4))

NW_UCLA = Layout(
    name='nw-ucla',
    joints=('hip_center', 'spine', 'shoulder_center', 'head',
            'l_shoulder', 'l_elbow', 'l_wrist', 'l_hand',
            'r_shoulder', 'r_elbow', 'r_wrist', 'r_hand',
            'l_hip', 'l_knee', 'l_ankle', 'l_foot',
            'r_hip', 'r_knee', 'r_ankle', 'r_foot'),
    inward=((0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6), (8, 2),
            (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13), (15, 14),
            (16, 0), (17, 16), (18, 17), (19, 18)),
    center=2,
    mirror=((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18),
            (15, 19)),
    parts=dict(
        trunk=(0, 1, 2, 3),
        right_arm=(8, 9, 10, 11),
        left_arm=(4, 5, 6, 7),
        right_leg=(16, 17, 18, 19),
        left_leg=(12, 13, 14, 15)),
    upper=tuple(range(1, 12)),
    lower=(0, *range(12, 20)),
    origin=1,
    spine=(0, 1),
    shoulders=(8, 4))

COCO = Layout(
    name='coco',
    joints=('nose', 'l_eye', 'r_eye', 'l_ear', 'r_ear', 'l_shoulder',
            'r_shoulder', 'l_elbow', 'r_elbow', 'l_wrist', 'r_wrist', 'l_hip',
            'r_hip', 'l_knee', 'r_knee', 'l_ankle', 'r_ankle'),
    inward=((15, 13), (13, 11), (16, 14), (14, 12), (11, 5), (12, 6), (9, 7),
            (7, 5), (10, 8), (8, 6), (5, 0), (6, 0), (1, 0), (3, 1), (2, 0),
            (4, 2)),
    center=0,
    bones=((1, 0), (2, 0), (3, 1), (4, 2), (5, 0), (6, 0), (7, 5), (8, 6),
           (9, 7), (10, 8), (11, 0), (12, 0), (13, 11), (14, 12), (15, 13),
           (16, 14)),
    mirror=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14),
            (15, 16)),
    parts=dict(
        head=(0, 1, 2, 3, 4),
        right_arm=(6, 8, 10),
        left_arm=(5, 7, 9),
        right_leg=(12, 14, 16),
        left_leg=(11, 13, 15)),
    upper=tuple(range(11)),
    lower=tuple(range(11, 17)),
    dims=2)

OPENPOSE = Layout(
    name='openpose',
    joints=('nose', 'neck', 'r_shoulder', 'r_elbow', 'r_wrist', 'l_shoulder',
            'l_elbow', 'l_wrist', 'r_hip', 'r_knee', 'r_ankle', 'l_hip',
            'l_knee', 'l_ankle', 'r_eye', 'l_eye', 'r_ear', 'l_ear'),
    inward=((4, 3), (3, 2), (7, 6), (6, 5), (13, 12), (12, 11), (10, 9),
            (9, 8), (11, 5), (8, 2), (5, 1), (2, 1), (0, 1), (15, 0), (14, 0),
            (17, 15), (16, 14)),
    center=1,
    bones=((1, 0), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (8, 2),
           (9, 8), (10, 9), (11, 5), (12, 11), (13, 12), (14, 0), (15, 0),
           (16, 14), (17, 15)),
    mirror=((5, 2), (6, 3), (7, 4), (11, 8), (12, 9), (13, 10), (15, 14),
            (17, 16)),
    parts=dict(
        head=(0, 1, 14, 15, 16, 17),
        right_arm=(2, 3, 4),
        left_arm=(5, 6, 7),
        right_leg=(8, 9, 10),
        left_leg=(11, 12, 13)),
    upper=(*range(8), 14, 15, 16, 17),
    lower=tuple(range(8, 14)),
    dims=2)

PENN_ACTION = Layout(
    name='penn-action',
    joints=('head', 'l_shoulder', 'r_shoulder', 'l_elbow', 'r_elbow',
            'l_wrist', 'r_wrist', 'l_hip', 'r_hip', 'l_knee', 'r_knee',
            'l_ankle', 'r_ankle'),
    inward=((1, 0), (2, 0), (3, 1), (4, 2), (5, 3), (6, 4), (7, 1), (8, 2),
            (9, 7), (10, 8), (11, 9), (12, 10)),
    center=0,
    mirror=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12)),
    parts=dict(
        head=(0, ),
        right_arm=(2, 4, 6),
        left_arm=(1, 3, 5),
        right_leg=(8, 10, 12),
        left_leg=(7, 9, 11)),
    upper=tuple(range(7)),
    lower=tuple(range(7, 13)),
    dims=2)

SBU = Layout(
    name='sbu',
    joints=('head', 'neck', 'torso', 'l_shoulder', 'l_elbow', 'l_hand',
            'r_shoulder', 'r_elbow', 'r_hand', 'l_hip', 'l_knee', 'l_foot',
            'r_hip', 'r_knee', 'r_foot'),
    inward=((0, 1), (2, 1), (3, 1), (4, 3), (5, 4), (6, 1), (7, 6), (8, 7),
            (9, 2), (10, 9), (11, 10), (12, 2), (13, 12), (14, 13)),
    center=1,
    mirror=((3, 6), (4, 7), (5, 8), (9, 12), (10, 13), (11, 14)),
    parts=dict(
        trunk=(0, 1, 2),
        right_arm=(6, 7, 8),
        left_arm=(3, 4, 5),
        right_leg=(12, 13, 14),
        left_leg=(9, 10, 11)),
    # The legs are attached to the torso joint, as to NTU's spine base, which
    # BRL assigns to the lower half.
    upper=(0, 1, *range(3, 9)),
    lower=(2, *range(9, 15)),
    origin=2,
    spine=(2, 1),
    shoulders=(6, 3))
# fmt: on

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (NTURGBD, COCO, OPENPOSE, NW_UCLA, PENN_ACTION, SBU)
}


def get_layout(layout: str | Mapping | Layout) -> Layout:
    """Return the layout of a name, or make a layout from a dict of fields.

    Args:
        layout: A name in :data:`LAYOUTS`, a :class:`Layout`, or a mapping of
            its fields. In a mapping, ``joints`` may be the number of joints.

    Raises:
        ValueError: For an unknown name or field, and for joints that are
            missing, doubled or out of range.

    Examples:
        >>> get_layout('coco').num_joints
        17
        >>> get_layout(dict(name='arm', joints=3, inward=[(1, 0), (2, 1)],
        ...                 center=0)).parents.tolist()
        [0, 0, 1]
    """
    if isinstance(layout, Layout):
        return layout
    if isinstance(layout, str):
        if layout not in LAYOUTS:
            raise ValueError(
                f'Expected a layout of {sorted(LAYOUTS)} or a '
                f'dict of its fields, but got {layout!r}.'
            )
        return LAYOUTS[layout]
    return _from_dict(dict(layout))


def _from_dict(row: dict[str, Any]) -> Layout:
    known = {f.name for f in fields(Layout)}
    required = {'joints', 'inward', 'center'}
    if not required <= set(row) <= known:
        raise ValueError(
            f'Expected a layout dict with {sorted(required)} and optionally '
            f'{sorted(known - required)}, but got {sorted(row)}.'
        )
    row.setdefault('name', 'custom')
    if isinstance(row['joints'], int):
        row['joints'] = [f'joint_{v}' for v in range(row['joints'])]
    for key in ('inward', 'bones', 'mirror'):
        row[key] = tuple(tuple(pair) for pair in row.get(key, ()))
    for key in ('joints', 'upper', 'lower', 'spine', 'shoulders'):
        if row.get(key) is not None:
            row[key] = tuple(row[key])
    row['parts'] = {k: tuple(v) for k, v in row.get('parts', {}).items()}
    return Layout(**row)


def joint_masks(layout: Layout, groups: str = 'parts') -> torch.Tensor:
    """Masks of the joints of each part or half of the body.

    Args:
        layout: The skeleton.
        groups: ``'parts'``, or ``'halves'`` for the upper and the lower half.

    Returns:
        ``(P, V)`` float, 1 where joint v belongs to group p.

    Raises:
        ValueError: If the layout has no such groups.

    Examples:
        >>> joint_masks(get_layout('coco')).sum(1).tolist()
        [5.0, 3.0, 3.0, 3.0, 3.0]
    """
    halves = [layout.upper, layout.lower]
    members = list(layout.parts.values()) if groups == 'parts' else halves
    if not any(members):
        raise ValueError(
            f'Expected a layout with {groups} of the body, but '
            f'{layout.name!r} has none. Give the layout as a dict with '
            "'parts', or 'upper' and 'lower'."
        )
    masks = torch.zeros(len(members), layout.num_joints)
    for mask, joints in zip(masks, members, strict=True):
        mask[list(joints)] = 1
    return masks
