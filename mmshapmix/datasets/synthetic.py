"""The embedded data set: procedural skeleton actions with known saliency."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmshapmix.functional.layouts import NTURGBD, get_layout

Movement = Mapping[str, str]
"""Body part to gesture; a part that is not named rests."""

REST = 'rest'
PARTS = tuple(NTURGBD.parts)

# ---------------------------------------------------------------- the classes
ACTIONS: dict[str, Movement] = dict(
    wave_right=dict(right_arm='wave'),
    squat=dict(right_leg='fold', left_leg='fold'),
    arms_up=dict(right_arm='raise', left_arm='raise'),
    kick_left=dict(left_leg='kick'),
    bow=dict(trunk='bow'),
    clap=dict(right_arm='clap', left_arm='clap'),
    walk=dict(right_leg='step', left_leg='step'),
    wave_left=dict(left_arm='wave'),
    kick_right=dict(right_leg='kick'),
    wave_both=dict(right_arm='wave', left_arm='wave'),
    jump=dict(right_leg='hop', left_leg='hop'),
    wave_and_kick=dict(right_arm='wave', left_leg='kick'),
    greet=dict(trunk='bow', right_arm='wave'),
    jumping_jack=dict(
        right_arm='raise', left_arm='raise', right_leg='hop', left_leg='hop'
    ),
    lift=dict(trunk='bow', right_leg='fold', left_leg='fold'),
    bow_clap=dict(trunk='bow', right_arm='clap', left_arm='clap'),
)
CLASSES = tuple(ACTIONS)

# A gesture turns pivots of its own part: (pivot, axis, degrees, course).
AXES = ('forward', 'side', 'turn')
COURSES = dict(
    hold=np.ones_like,
    lift=lambda phase: (1 - np.cos(phase)) / 2,
    swing=np.sin,
    shake=lambda phase: np.sin(2 * phase),
)
GESTURES = {
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
    'step': (
        ('hip', 'forward', 30, 'swing'),
        ('knee', 'forward', -50, 'lift'),
    ),
    'fold': (
        ('hip', 'forward', 60, 'lift'),
        ('hip', 'side', 30, 'lift'),
        ('knee', 'forward', -90, 'lift'),
    ),
    'hop': (
        ('hip', 'forward', 30, 'lift'),
        ('hip', 'side', 15, 'lift'),
        ('knee', 'forward', -100, 'lift'),
    ),
    # The trunk points up: forward of what hangs is backward of what stands.
    'bow': (
        ('spine_mid', 'forward', -15, 'lift'),
        ('spine_shoulder', 'forward', -35, 'lift'),
        ('neck', 'forward', -35, 'lift'),
    ),
}
ALTERNATING = ('step',)

# ------------------------------------------------------------------- the body
# Joint: (parent within its part, offset in metres). Without a parent, the
# offset is from the pelvis.
_LIMBS = dict(
    shoulder=(None, (0.18, 0, 0.46)),
    elbow=('shoulder', (0.02, 0, -0.28)),
    wrist=('elbow', (0, 0, -0.25)),
    hand=('wrist', (0, 0, -0.08)),
    hand_tip=('hand', (0, 0, -0.08)),
    thumb=('hand', (0, -0.05, -0.03)),
    hip=(None, (0.09, 0, -0.04)),
    knee=('hip', (0, 0, -0.42)),
    ankle=('knee', (0, 0, -0.40)),
    foot=('ankle', (0, -0.13, -0.05)),
)
_TRUNK = dict(
    spine_base=(None, (0, 0, 0)),
    spine_mid=('spine_base', (0, 0, 0.25)),
    spine_shoulder=('spine_mid', (0, 0, 0.24)),
    neck=('spine_shoulder', (0, 0, 0.07)),
    head=('neck', (0, 0, 0.14)),
)
SIDES = dict(l_=1, r_=-1)


def _body() -> dict[str, tuple[str | None, np.ndarray]]:
    body = {k: (p, np.array(o, float)) for k, (p, o) in _TRUNK.items()}
    for side, sign in SIDES.items():
        for joint, (parent, offset) in _LIMBS.items():
            body[side + joint] = (
                parent and side + parent,
                np.array(offset) * (sign, 1, 1),
            )
    return body


BODY = _body()
FACE = dict(
    nose=(0, -0.10, 0),
    l_eye=(0.035, -0.08, 0.03),
    r_eye=(-0.035, -0.08, 0.03),
    l_ear=(0.08, 0, 0.01),
    r_ear=(-0.08, 0, 0.01),
)

AMPLITUDE = (
    float(os.environ.get('S_AMPLO', 0.6)),
    float(os.environ.get('S_AMPHI', 1.2)),
)
SWAY = float(os.environ.get('S_SWAY', 4.0))
POSTURE = float(os.environ.get('S_POST', 5.0))
NOISE = float(os.environ.get('S_NOISE', 0.015))
PERIOD = (18, 40)
YAW = 50.0
CAMERA = dict(focal=1100.0, height=1.0, distance=(3.2, 4.5), shift=0.4)
IMG_SHAPE = (1080, 1920)
PELVIS = 0.95


@dataclass(frozen=True)
class Performance:
    phase: np.ndarray
    amplitude: np.ndarray
    bones: np.ndarray
    sway: np.ndarray
    yaw: float
    place: np.ndarray


def sample_performance(rng, frames=(40, 80)):
    num = rng.integers(frames[0], frames[1], endpoint=True)
    t = np.arange(num)
    phase = (
        2 * np.pi * t / rng.uniform(*PERIOD)
        + rng.uniform(0, 2 * np.pi)
        + rng.normal(0, 0.2, (len(PARTS), 1))
    )
    shape = (len(BODY), 3)
    beat = 2 * np.pi * rng.uniform(0.008, 0.03, shape)
    sway = np.sin(
        beat * t[:, None, None] + rng.uniform(0, 2 * np.pi, shape)
    ) * rng.normal(0, SWAY, shape) + rng.normal(0, POSTURE, shape)
    return Performance(
        phase=phase,
        amplitude=rng.uniform(*AMPLITUDE, len(PARTS)),
        bones=rng.uniform(0.85, 1.15)
        * rng.uniform(0.93, 1.07, (len(BODY), 1)),
        sway=sway,
        yaw=np.radians(rng.uniform(-YAW, YAW)),
        place=rng.uniform(-1, 1, 3),
    )


def joint_angles(movement, perf):
    angles = perf.sway.copy()
    names = list(BODY)
    for p, part in enumerate(PARTS):
        side = {'right': 'r_', 'left': 'l_'}.get(part.split('_')[0], '')
        gesture = movement.get(part, REST)
        phase = perf.phase[p]
        if gesture in ALTERNATING and side == 'l_':
            phase = phase + np.pi
        for pivot, axis, degrees, course in GESTURES[gesture]:
            angles[:, names.index(side + pivot), AXES.index(axis)] += (
                perf.amplitude[p] * degrees * COURSES[course](phase)
            )
    angles[:, [n.startswith('r_') for n in names], 1:] *= -1
    return np.radians(angles)


def rotations(angles):
    # forward: about -x, side: about -y, turn: about z
    c, s = np.cos(angles), np.sin(angles)
    (ca, cb, cc), (sa, sb, sc) = np.moveaxis(c, -1, 0), np.moveaxis(s, -1, 0)
    sa, sb, sc = -sa, -sb, -sc
    return np.stack(
        [
            cc * cb,
            cc * sb * sa - sc * ca,
            cc * sb * ca + sc * sa,
            sc * cb,
            sc * sb * sa + cc * ca,
            sc * sb * ca - cc * sa,
            -sb,
            cb * sa,
            cb * ca,
        ],
        -1,
    ).reshape(*angles.shape[:-1], 3, 3)


def pose(angles, bones):
    local = rotations(angles)
    joints = {}
    for v, (name, (parent, offset)) in enumerate(BODY.items()):
        if parent is None:
            joints[name] = (
                np.broadcast_to(offset * bones[v], (len(angles), 3)),
                local[:, v],
            )
        else:
            x, r = joints[parent]
            joints[name] = x + r @ (offset * bones[v]), r @ local[:, v]
    return joints


def make_sequence(movement, layout='nturgb+d', rng=None, frames=(40, 80)):
    layout = get_layout(layout)
    perf = sample_performance(rng, frames)
    joints = pose(joint_angles(movement, perf), perf.bones)
    points = []
    for name in layout.joints:
        x, r = joints['head' if name in FACE else name]
        points.append(x + r @ np.array(FACE.get(name, (0, 0, 0)), float))
    points = np.stack(points, 1)
    c, s = np.cos(perf.yaw), np.sin(perf.yaw)
    points = points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    points = points + (0, 0, PELVIS) + perf.place * (0.4, 0.6, 0)
    points = points + rng.normal(0, NOISE, points.shape)
    if layout.dims == 3:
        return dict(keypoint=points[None].astype(np.float32))
    score = rng.uniform(0.5, 1, points.shape[:2])
    depth = points[..., 1] + 3.9
    uv = np.stack([points[..., 0] / depth, -(points[..., 2] - 1) / depth], -1)
    uv = 1100 * uv + (960, 540)
    return dict(
        keypoint=uv[None].astype(np.float32),
        keypoint_score=score[None].astype(np.float32),
    )


def make_split(split, per_class, layout, seed=0, frames=(40, 80)):
    out = []
    for k, name in enumerate(CLASSES):
        for i in range(per_class):
            rng = np.random.default_rng((seed, split, k, i))
            out.append((k, make_sequence(ACTIONS[name], layout, rng, frames)))
    return out
