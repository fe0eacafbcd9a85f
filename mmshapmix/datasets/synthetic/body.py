"""The body of the synthetic data set, and the effect of gestures on it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...functional.layouts import NTURGBD, Layout
from .actions import ACTIONS, REST, Movement

# --- the gestures ---
# Rows (pivot, axis, degrees, course). For hanging limbs, `forward` lifts to
# the front and `side` outwards; the trunk points up, with opposite signs.
GESTURES: dict[str, tuple[tuple[str, str, float, str], ...]] = {
    REST: (),
    'wave': (
        ('shoulder', 'side', 65, 'hold'),
        ('elbow', 'side', 80, 'hold'),
        ('elbow', 'side', 30, 'shake'),
    ),
    'raise': (('shoulder', 'side', 140, 'lift'),),
    'clap': (
        ('shoulder', 'forward', 60, 'hold'),
        ('elbow', 'forward', 25, 'hold'),
        ('shoulder', 'turn', 30, 'shake'),
    ),
    'kick': (('hip', 'forward', 45, 'lift'), ('hip', 'side', 40, 'lift')),
    'step': (('hip', 'forward', 60, 'lift'), ('knee', 'forward', -70, 'lift')),
    'squat': (
        ('hip', 'forward', 60, 'lift'),
        ('hip', 'side', 30, 'lift'),
        ('knee', 'forward', -90, 'lift'),
    ),
    'jump': (
        ('hip', 'forward', 30, 'lift'),
        ('hip', 'side', 15, 'lift'),
        ('knee', 'forward', -100, 'lift'),
    ),
    'bow': (
        ('spine_mid', 'forward', -40, 'hold'),
        ('spine_mid', 'forward', -30, 'lift'),
        ('neck', 'forward', -25, 'lift'),
    ),
}
# In these gestures the left side is half a cycle late.
ALTERNATING = ('step',)
AXES = ('forward', 'side', 'turn')
COURSES: dict[str, Callable[[np.ndarray], np.ndarray]] = dict(
    hold=np.ones_like,
    lift=lambda phase: (1 - np.cos(phase)) / 2,
    shake=lambda phase: np.sin(2 * phase),
)

# --- the body ---
# Joint: (parent in the same part, offset from the parent in metres); the root
# of a part is fixed to the pelvis. Limbs are those of the right side.
TRUNK = dict(
    spine_base=(None, (0, 0, 0)),
    spine_mid=('spine_base', (0, 0, 0.25)),
    spine_shoulder=('spine_mid', (0, 0, 0.24)),
    neck=('spine_shoulder', (0, 0, 0.07)),
    head=('neck', (0, 0, 0.14)),
)
LIMBS = dict(
    shoulder=(None, (0.18, 0, 0.46)),
    elbow=('shoulder', (0.02, 0, -0.28)),
    wrist=('elbow', (0, 0, -0.25)),
    hand=('wrist', (0, 0, -0.08)),
    hand_tip=('hand', (0, 0, -0.08)),
    thumb=('hand', (0, 0.05, -0.03)),
    hip=(None, (0.09, 0, -0.04)),
    knee=('hip', (0, 0, -0.42)),
    ankle=('knee', (0, 0, -0.40)),
    foot=('ankle', (0, 0.13, -0.05)),
)
BODY: dict[str, tuple[str | None, np.ndarray]] = {
    name: (parent, np.array(offset, dtype=float))
    for name, (parent, offset) in TRUNK.items()
} | {
    side + name: (parent and side + parent, np.multiply(offset, (sign, 1, 1)))
    for side, sign in (('r_', 1), ('l_', -1))
    for name, (parent, offset) in LIMBS.items()
}
JOINTS = tuple(BODY)
PARTS = tuple(NTURGBD.parts)
SIDES = dict(
    trunk='', right_arm='r_', left_arm='l_', right_leg='r_', left_leg='l_'
)
PART_GESTURES = {
    part: sorted({row[part] for row in ACTIONS.values() if part in row})
    for part in PARTS
}

# By layout, the points that are no joints of the body, as (joint, offset in
# metres). All other points are the joint of the same name.
POINTS: dict[str, dict[str, tuple[str, tuple[float, float, float]]]] = {
    'nturgb+d': {},
    'coco': dict(
        nose=('head', (0, 0.10, 0)),
        l_eye=('head', (-0.035, 0.08, 0.03)),
        r_eye=('head', (0.035, 0.08, 0.03)),
        l_ear=('head', (-0.08, 0, 0.01)),
        r_ear=('head', (0.08, 0, 0.01)),
    ),
}

# --- the variation within a class ---
AMPLITUDE = 0.4, 1.2  # amplitude of each part's gesture
FIDGET = 0.0, 0.45  # amplitude of a resting part that fidgets
FIDGET_RATE = 0.4  # share of the resting parts that fidget
PERIOD = 18, 40  # frames of one cycle
PART_DELAY = 0.2  # radians, standard deviation between parts
BODY_SIZE = 0.88, 1.12
BONE_LENGTH = 0.93, 1.07
POSTURE = 3.0  # degrees at every pivot, standard deviation, constant
SWAY = 2.0  # degrees at every pivot, standard deviation, slow
SWAY_PERIOD = 33, 125  # frames
YAW = 50  # degrees to either side
PLACE = 0.4  # metres to either side
NOISE_3D = 0.012  # metres, standard deviation
NOISE_2D = 3.0  # pixels at a score of 1, more at lower scores
SCORE = 0.5, 1.0
PELVIS = 0.95  # metres above the ground
FOCAL, DISTANCE, EYE = 1100.0, 4.0, 1.0  # pixels, metres, metres
IMG_SHAPE = 1080, 1920


def point_sources(layout: Layout) -> list[tuple[str, np.ndarray]]:
    """Joint of the body and offset from it, for each joint of the layout."""
    if layout.name not in POINTS:
        raise ValueError(
            f'Expected a layout of {list(POINTS)}, but got {layout.name!r}.'
        )
    rows = POINTS[layout.name]
    pairs = [rows.get(name, (name, (0, 0, 0))) for name in layout.joints]
    return [(joint, np.array(offset, dtype=float)) for joint, offset in pairs]


# --- one sequence: draw, apply ---
@dataclass(frozen=True)
class Performance:
    """All random choices of how a body of V joints and P parts moves.

    Args:
        phase: Phase of each part's gesture, ``(P, T)``, radians.
        amplitude: Amplitude of each part's gesture, ``(P,)``.
        fidgets: Weak gestures that resting parts make, by part; parts that
            are not named rest.
        fidget: Amplitude of the weak gestures, ``(P,)``.
        bones: Lengths of the bones relative to :data:`BODY`, ``(V,)``.
        sway: Idle movement of every pivot, ``(T, V, 3)``, degrees.
        yaw: Rotation of the whole body about z, radians.
        place: Position of the pelvis on the ground, ``(2,)``, metres.
    """

    phase: np.ndarray
    amplitude: np.ndarray
    fidgets: Movement
    fidget: np.ndarray
    bones: np.ndarray
    sway: np.ndarray
    yaw: float
    place: np.ndarray


def sample_performance(
    rng: np.random.Generator, frames: tuple[int, int]
) -> Performance:
    """Draw a performance of ``frames = (fewest, most)`` frames."""
    time = np.arange(rng.integers(*frames, endpoint=True))
    phase = 2 * np.pi * (time / rng.uniform(*PERIOD) + rng.uniform())
    shape = len(JOINTS), len(AXES)
    cycles = time[:, None, None] / rng.uniform(*SWAY_PERIOD, shape)
    sway = np.sin(2 * np.pi * (cycles + rng.uniform(size=shape)))
    sway = sway * rng.normal(0, SWAY, shape) + rng.normal(0, POSTURE, shape)
    # Normalisation aligns the lowest spine bone: sway of its pivot would turn
    # the whole body.
    sway[:, JOINTS.index('spine_base')] = 0
    return Performance(
        phase=phase + rng.normal(0, PART_DELAY, (len(PARTS), 1)),
        amplitude=rng.uniform(*AMPLITUDE, len(PARTS)),
        fidgets={
            part: str(rng.choice(gestures))
            for part, gestures in PART_GESTURES.items()
            if rng.uniform() < FIDGET_RATE
        },
        fidget=rng.uniform(*FIDGET, len(PARTS)),
        bones=rng.uniform(*BODY_SIZE) * rng.uniform(*BONE_LENGTH, len(JOINTS)),
        sway=sway,
        yaw=np.radians(rng.uniform(-YAW, YAW)),
        place=rng.uniform(-PLACE, PLACE, 2),
    )


def pivot_angles(movement: Movement, performance: Performance) -> np.ndarray:
    """Angle of each pivot about :data:`AXES`, ``(T, V, 3)``, radians."""
    angles = performance.sway.copy()
    for index, part in enumerate(PARTS):
        gesture, side = movement.get(part, REST), SIDES[part]
        amplitude = performance.amplitude[index]
        if gesture == REST:
            gesture = performance.fidgets.get(part, REST)
            amplitude = performance.fidget[index]
        late = gesture in ALTERNATING and side == 'l_'
        phase = performance.phase[index] + np.pi * late
        for pivot, axis, degrees, course in GESTURES[gesture]:
            angles[:, JOINTS.index(side + pivot), AXES.index(axis)] += (
                amplitude * degrees * COURSES[course](phase)
            )
    return np.radians(angles)


def _rotations(angles: np.ndarray) -> np.ndarray:
    """Rotation matrices ``(T, V, 3, 3)`` of angles ``(T, V, 3)``.

    The rotation is forward, then sideways, then turn.
    """
    # Forward turns about x; outwards about y on the left and -y on the right,
    # inwards about -z on the left and z on the right.
    signs = np.ones_like(angles)
    signs[..., AXES.index('turn')] = -1
    signs[:, [name.startswith('r_') for name in JOINTS], 1:] *= -1
    angles = signs * angles
    (ca, cb, cc), (sa, sb, sc) = (
        np.moveaxis(f(angles), -1, 0) for f in (np.cos, np.sin)
    )
    rows = (
        (cc * cb, cc * sb * sa - sc * ca, cc * sb * ca + sc * sa),
        (sc * cb, sc * sb * sa + cc * ca, sc * sb * ca - cc * sa),
        (-sb, cb * sa, cb * ca),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def perform(
    movement: Movement, performance: Performance, layout: Layout
) -> np.ndarray:
    """Positions of the layout's joints, ``(T, V, 3)``, metres, no noise."""
    local = _rotations(pivot_angles(movement, performance))
    joints: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for v, (name, (parent, offset)) in enumerate(BODY.items()):
        offset = offset * performance.bones[v]
        turn, position = local[:, v], np.tile(offset, (len(local), 1))
        if parent:
            origin, frame = joints[parent]
            turn, position = frame @ turn, origin + frame @ offset
        joints[name] = position, turn
    points = [
        joints[joint][0] + joints[joint][1] @ offset
        for joint, offset in point_sources(layout)
    ]
    cos, sin = np.cos(performance.yaw), np.sin(performance.yaw)
    yaw = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return np.stack(points, 1) @ yaw.T + (*performance.place, PELVIS)


def project(points: np.ndarray) -> np.ndarray:
    """Project points ``(..., 3)`` in metres to pixels ``(..., 2)``.

    Pixels count to the right and down.
    """
    depth = DISTANCE - points[..., 1]
    height, width = IMG_SHAPE
    across = width / 2 - FOCAL * points[..., 0] / depth
    down = height / 2 - FOCAL * (points[..., 2] - EYE) / depth
    return np.stack([across, down], -1)
