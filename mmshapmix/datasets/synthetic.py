"""The embedded data set: procedural skeleton actions with known saliency.

A class is a row of :data:`ACTIONS`: which body parts make which gesture; the
parts that are not named rest. A gesture turns the pivots (joints) of its own
part and moves no joint of another, as a puppet's: the pelvis is pinned, hips
and shoulders are fixed to it, so arms do not follow a bow, and squat, jump and
walk are what the legs do below the pelvis. Replacing a part's joints by those
of a resting body thus equals replacing its gesture by rest, and the parts that
make a class (:func:`salient_parts`) follow from the table. On ``coco`` the
trunk is seen through the face only, and its part is called ``head``. Rest is
not stillness: every pivot sways, and some parts make gestures half-heartedly.

World coordinates are metres, z up. Before it turns to a side, the body faces
+y with its right at +x: where ``PreNormalize3D`` turns it. (From the opposite
it would be half a turn, about an axis that noise chooses.) Flat layouts are
seen by a pinhole camera, in pixels.

Measured with the defaults, seed 0, one thread of 2 CPU cores: ST-GCN++ with 6
stages, 16 channels, 32 frames, batch 32 and learning rate 0.1 reaches 95.9 %
of ``val`` from ``train`` (10 passes, 298 s). From ``train_lt`` (12 passes) it
reaches 83.4 % with cross-entropy (many 97.5, medium 91.4, few 71.4; 105 s) and
89.7 % with balanced softmax (80.0, 87.9, 94.3; 83 s). One run each; with seed
1 for data and training it is 81.6 and 92.8 %.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..functional.layouts import NTURGBD, Layout, get_layout
from ..functional.longtail import long_tail_counts
from .annotations import Annotation

Movement = Mapping[str, str]
"""Body part to gesture; a part that is not named rests."""

# --- the classes, head to tail ---
# Tail classes are head classes with one part more, or mirrored, on purpose.
# A later class is rarer in the long-tailed split.
ACTIONS: dict[str, Movement] = dict(
    wave_right=dict(right_arm='wave'),
    squat=dict(right_leg='squat', left_leg='squat'),
    stand=dict(),
    bow=dict(trunk='bow'),
    arms_up=dict(right_arm='raise', left_arm='raise'),
    kick_left=dict(left_leg='kick'),
    clap=dict(right_arm='clap', left_arm='clap'),
    walk=dict(right_leg='step', left_leg='step'),
    wave_left=dict(left_arm='wave'),
    kick_right=dict(right_leg='kick'),
    jump=dict(right_leg='jump', left_leg='jump'),
    wave_both=dict(right_arm='wave', left_arm='wave'),
    greet=dict(trunk='bow', right_arm='wave'),
    wave_and_kick=dict(right_arm='wave', left_leg='kick'),
    jumping_jack=dict(
        right_arm='raise', left_arm='raise', right_leg='jump', left_leg='jump'
    ),
    bow_clap=dict(trunk='bow', right_arm='clap', left_arm='clap'),
)
CLASSES = tuple(ACTIONS)

# --- the gestures ---
# Rows (pivot, axis, degrees, course). For what hangs, `forward` lifts to the
# front and `side` outwards; the trunk stands, so its signs are the opposite.
REST = 'rest'
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
# The left side of these is half a cycle late.
ALTERNATING = ('step',)
AXES = ('forward', 'side', 'turn')
COURSES: dict[str, Callable[[np.ndarray], np.ndarray]] = dict(
    hold=np.ones_like,
    lift=lambda phase: (1 - np.cos(phase)) / 2,
    shake=lambda phase: np.sin(2 * phase),
)

# --- the body ---
# Joint: (parent in the same part, offset from it in metres); the root of a
# part is fixed to the pelvis. Limbs are the right ones.
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

# Layout: the points that are no joints of the body, as (joint, offset in
# metres). All others are the joint of the same name.
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

# --- what differs in a class ---
AMPLITUDE = 0.4, 1.2  # of each part
FIDGET = 0.0, 0.45  # amplitude of a resting part that fidgets
FIDGET_RATE = 0.4  # of the resting parts
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
NOISE_2D = 3.0  # pixels at a score of 1, more below
SCORE = 0.5, 1.0
PELVIS = 0.95  # metres above the ground
FOCAL, DISTANCE, EYE = 1100.0, 4.0, 1.0  # pixels, metres, metres
IMG_SHAPE = 1080, 1920


# --- the truth ---
def find_action(movement: Movement) -> str | None:
    """The class whose row this movement is, or none.

    Example:
        >>> find_action(dict(right_arm='wave', left_leg='rest'))
        'wave_right'
    """
    moving = {p: g for p, g in movement.items() if g != REST}
    return next((c for c, row in ACTIONS.items() if row == moving), None)


def salient_parts(
    action: str, layout: str | Layout = 'nturgb+d'
) -> tuple[str, ...]:
    """The parts that make a class: put to rest, they leave another or none.

    Args:
        action: One of :data:`CLASSES`.
        layout: In whose names the parts are given.

    Example:
        >>> salient_parts('greet'), salient_parts('greet', 'coco')
        (('trunk', 'right_arm'), ('head', 'right_arm'))
    """
    if action not in ACTIONS:
        raise ValueError(
            f'Expected an action of {list(CLASSES)}, but got {action!r}.'
        )
    names = _part_names(layout)
    return tuple(
        names[part]
        for part in PARTS
        if find_action({**ACTIONS[action], part: REST}) != action
    )


def _part_names(layout: str | Layout) -> dict[str, str]:
    """Part of the body to the part of the layout that holds its points."""
    layout = get_layout(layout)
    body = {NTURGBD.joints[v]: p for p, g in NTURGBD.parts.items() for v in g}
    sources = _sources(layout)
    return {
        body[sources[joint][0]]: name
        for name, group in layout.parts.items()
        for joint in group
    }


def _sources(layout: Layout) -> list[tuple[str, np.ndarray]]:
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
    """Everything random about how a body of V joints and P parts moves.

    Args:
        phase: Of each part's gesture, ``(P, T)``, radians.
        amplitude: Of each part's gesture, ``(P,)``.
        fidgets: What each part makes of rest: a gesture of its own, weakly,
            or none.
        fidget: Amplitude of that, ``(P,)``.
        bones: Lengths of the bones relative to :data:`BODY`, ``(V,)``.
        sway: Idle movement of every pivot, ``(T, V, 3)``, degrees.
        yaw: Of the whole body, radians.
        place: Of the pelvis on the ground, ``(2,)``, metres.
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
    # Normalisation aligns the lowest spine bone: leaning there would turn
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
    """Forward, then sideways, then turn: ``(T, V, 3)`` to ``(T, V, 3, 3)``."""
    # Forward is about x; outwards is about y on the left and -y on the right,
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
        for joint, offset in _sources(layout)
    ]
    cos, sin = np.cos(performance.yaw), np.sin(performance.yaw)
    yaw = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return np.stack(points, 1) @ yaw.T + (*performance.place, PELVIS)


def project(points: np.ndarray) -> np.ndarray:
    """World ``(..., 3)`` in metres to pixels ``(..., 2)``, right and down."""
    depth = DISTANCE - points[..., 1]
    height, width = IMG_SHAPE
    across = width / 2 - FOCAL * points[..., 0] / depth
    down = height / 2 - FOCAL * (points[..., 2] - EYE) / depth
    return np.stack([across, down], -1)


def make_sequence(
    movement: Movement,
    layout: str | Layout,
    rng: np.random.Generator,
    frames: tuple[int, int] = (40, 80),
) -> Annotation:
    """Draw one sequence of a movement.

    Args:
        movement: A row of :data:`ACTIONS`, or any other.
        layout: ``'nturgb+d'`` or ``'coco'``.
        rng: Where all randomness comes from. The same state gives the same
            body and movement on either layout.
        frames: Fewest and most frames.

    Returns:
        ``keypoint`` ``(1, T, V, 3)`` in metres or ``(1, T, V, 2)`` in pixels,
        float32, and ``total_frames``; in pixels also ``keypoint_score``
        ``(1, T, V)``, ``img_shape`` and ``original_shape``.
    """
    layout = get_layout(layout)
    points = perform(movement, sample_performance(rng, frames), layout)
    sequence: Annotation = dict(total_frames=len(points))
    noise = NOISE_3D
    if layout.dims == 2:
        points = project(points)
        score = rng.uniform(*SCORE, points.shape[:-1])
        noise = NOISE_2D / score[..., None]
        sequence |= dict(
            keypoint_score=score[None].astype(np.float32),
            img_shape=IMG_SHAPE,
            original_shape=IMG_SHAPE,
        )
    points = points + noise * rng.normal(size=points.shape)
    return dict(keypoint=points[None].astype(np.float32), **sequence)


# --- the data set ---
def make_dataset(
    layout: str = 'nturgb+d',
    max_per_class: int = 150,
    imbalance_ratio: float = 30,
    val_per_class: int = 20,
    seed: int = 0,
    frames: tuple[int, int] = (40, 80),
) -> dict[str, Any]:
    """Make the data set in PYSKL form, of plain containers and arrays.

    Sample i of a class depends on the seed, the split, the class and i only.

    Args:
        layout: ``'nturgb+d'`` or ``'coco'``.
        max_per_class: Samples of each class in ``train``.
        imbalance_ratio: Of ``train_lt``, the first samples of each class of
            ``train``, exponentially fewer from the first class to the last.
        val_per_class: Samples of each class in ``val``.
        seed: Of everything.
        frames: Fewest and most frames of a sequence.

    Returns:
        ``split`` (names in ``train``, ``train_lt`` and ``val``),
        ``annotations``, ``classes`` and ``salient_parts`` by class.

    Raises:
        ValueError: For a layout or numbers that cannot be had.
    """
    if val_per_class < 1 or seed < 0 or not 1 <= frames[0] <= frames[1]:
        raise ValueError(
            'Expected `val_per_class` >= 1, `seed` >= 0 and 1 <= fewest <= '
            f'most `frames`, but got {val_per_class}, {seed} and {frames}.'
        )
    counts = long_tail_counts(len(CLASSES), max_per_class, imbalance_ratio)
    train = _make_split('train', max_per_class, layout, seed, frames)
    val = _make_split('val', val_per_class, layout, seed, frames)
    names = dict(
        train=[sample['frame_dir'] for sample in train],
        train_lt=[
            sample['frame_dir']
            for i, sample in enumerate(train)
            if i % max_per_class < counts[sample['label']]
        ],
        val=[sample['frame_dir'] for sample in val],
    )
    return dict(
        split=names,
        annotations=train + val,
        classes=list(CLASSES),
        salient_parts={c: list(salient_parts(c, layout)) for c in CLASSES},
    )


def _make_split(
    split: str, size: int, layout: str, seed: int, frames: tuple[int, int]
) -> list[Annotation]:
    """Class by class, ``size`` samples of each."""
    key = ('train', 'val').index(split)
    return [
        dict(
            frame_dir=f'{split}_{action}_{i:04d}',
            label=label,
            **make_sequence(
                movement,
                layout,
                np.random.default_rng((seed, key, label, i)),
                frames,
            ),
        )
        for label, (action, movement) in enumerate(ACTIONS.items())
        for i in range(size)
    ]
