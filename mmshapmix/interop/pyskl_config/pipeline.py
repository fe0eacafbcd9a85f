"""A PYSKL pipeline → MMAction2's transforms, and ours where it has none."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mmaction.registry import TRANSFORMS

from ...functional.layouts import LAYOUTS
from .components import Rule, convert_component
from .model import STOCK_LAYOUTS, layout_name
from .section import Section

Step = dict[str, Any]
PACKED = ('keypoint', 'imgs', 'label')
STOCK_FEATS = ('j', 'b', 'jm', 'bm')


class Scene(NamedTuple):
    """What the transforms of a config have in common.

    Attributes:
        layout: A name in our table; none: unknown, or not there.
        testing: Whether the pipeline is of validation or test.
        masked: Whether 2-D joints of low scores are hidden.
    """

    layout: str | None
    testing: bool
    masked: bool

    @property
    def dims(self) -> int:
        """Coordinates of a joint; 3 if nothing is known."""
        return LAYOUTS[self.layout].dims if self.layout else 3


Finish = Callable[[Step, Scene, Section], list[Step]]
"""A converted step → the new ones that take its place."""


def _kept(step: Step, scene: Scene, source: Section) -> list[Step]:
    return [step]


@dataclass(frozen=True)
class StepRule(Rule):
    """How a transform is written here.

    Attributes:
        finish: What the rest of a rule cannot say.
    """

    finish: Finish = _kept


def _sampled(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Whether to test is the loader's to say, as in PYSKL."""
    share = step.pop('p_interval', 1)
    if step.pop('test_mode', scene.testing) != scene.testing:
        text = f'{scene.testing}, as the data set is used'
        source.note('test_mode', 'changed', text)
    if scene.testing:
        step['test_mode'] = True
    share = (share, share) if isinstance(share, int | float) else tuple(share)
    if share == (1, 1):
        return [step]
    text = (
        f'{share}: mmshapmix.RandomTemporalCrop cuts the same share; all '
        'clips of a sample have one cut, and short ones repeat within it'
    )
    source.note('p_interval', 'changed', text)
    return [dict(type='mmshapmix.RandomTemporalCrop', share=share), step]


def _decoded(step: Step, scene: Scene, source: Section) -> list[Step]:
    return [*_sampled(step, scene, source), dict(type='PoseDecode')]


def _aligned(step: Step, scene: Scene, source: Section) -> list[Step]:
    """PYSKL has one switch for the spine and the shoulders."""
    if 'align_spine' in step and 'align_shoulder' not in step:
        step['align_shoulder'] = step['align_spine']
    return [step]


def _normalized_2d(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Both are said: nothing in most configs tells which PYSKL trained."""
    step.setdefault('mode', 'fix')
    if scene.masked:
        text = (
            'masked: joints of low scores become (0, 0), as in PYSKL since '
            '2023-02; --unmasked for weights that were trained before, as the '
            'published ones'
        )
    else:
        step['threshold'] = None
        text = (
            'unmasked: joints of low scores stay where they are, as in PYSKL '
            'before 2023-02, thus in its published weights; --masked for '
            'weights that were trained since'
        )
    source.note('threshold', 'changed', text)
    return [step]


def _features(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Ours, where the layout or the modality is not MMAction2's."""
    layout, feats = layout_name(step['dataset']), step.get('feats', ['j'])
    stock = layout in STOCK_LAYOUTS and {*feats} <= {*STOCK_FEATS}
    if stock or layout not in LAYOUTS:
        return [step]
    if step.get('axis', -1) != -1:
        source.note('axis', 'unmapped', f'{step["axis"]}: it is always -1')
    kind = 'mmshapmix.GenSkeFeat'
    source.note('type', 'changed', f'GenSkeFeat → {kind}')
    return [dict(type=kind, layout=layout, feats=feats)]


def _scaled(step: Step, scene: Scene, source: Section) -> list[Step]:
    scale = step['scale']
    if isinstance(scale, Sequence):
        step['scale'] = max(scale)
        kind = 'changed' if len({*scale}) == 1 else 'unmapped'
        text = f'{tuple(scale)}: {step["scale"]} for all axes alike'
        source.note('scale', kind, text)
    return [step]


def _turned(step: Step, scene: Scene, source: Section) -> list[Step]:
    theta = step.pop('theta')
    angles = theta if isinstance(theta, Sequence) else [theta] * 3
    if len(angles) != 3:
        raise ValueError(
            f'Expected `{source.where("theta")}` of a PYSKL config as one '
            f'angle or one for each of three axes, but got {theta!r}.'
        )
    x, y, z = (round(math.degrees(angle), 4) for angle in angles)
    step['degrees'] = (x, y, z) if scene.dims == 3 else (0, 0, z)
    return [step]


def _swapped(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Without a layout it is that of NTU, as there."""
    return [step | dict(layout=scene.layout)] if scene.layout else [step]


def _packed(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Names of samples are the data set's to give."""
    _check_keys(step.pop('keys', []), source)
    if step.get('meta_keys'):
        step['meta_keys'] = tuple(step['meta_keys'])
        return [step]
    return [dict(type=step['type'])]


def _as_tensors(step: Step, scene: Scene, source: Section) -> list[Step]:
    _check_keys(step.pop('keys', []), source)
    return []


def _check_keys(keys: Sequence[str], source: Section) -> None:
    other = [key for key in keys if key not in PACKED]
    if other:
        text = f'{other}: PackActionInputs takes the keypoints or images'
        source.note('keys', 'unmapped', text)


SAMPLE = StepRule(
    'UniformSampleFrames',
    own=('p_interval', 'test_mode'),
    finish=_sampled,
)
RULES = {
    'UniformSample': SAMPLE,
    'UniformSampleFrames': SAMPLE,
    'UniformSampleDecode': replace(
        SAMPLE, kind='changed', text='and PoseDecode', finish=_decoded
    ),
    'PreNormalize3D': StepRule(
        'PreNormalize3D', only=dict(align_center=True), finish=_aligned
    ),
    'PreNormalize2D': StepRule(
        'mmshapmix.PreNormalize2D', finish=_normalized_2d
    ),
    'GenSkeFeat': StepRule(
        'GenSkeFeat', defaults=dict(dataset='nturgb+d'), finish=_features
    ),
    'RandomScale': StepRule(
        'mmshapmix.RandomScale', defaults=dict(scale=0.2), finish=_scaled
    ),
    'RandomRot': StepRule(
        'mmshapmix.RandomRotate',
        own=('theta',),
        defaults=dict(theta=0.3),
        finish=_turned,
        kind='changed',
        text='radians are degrees; in a plane, about z',
    ),
    'Spatial_Flip': StepRule(
        'mmshapmix.RandomSwapSides',
        renames=dict(flip_ratio='prob'),
        defaults=dict(prob=0.5),
        finish=_swapped,
        kind='changed',
        text='it exchanges the sides without mirroring them, as there; the '
        'mirror image is mmshapmix.RandomFlip',
    ),
    'Temperal_Flip': StepRule(
        'mmshapmix.RandomTemporalFlip',
        renames=dict(flip_ratio='prob'),
        defaults=dict(prob=0.5),
    ),
    'RandomGaussianNoise': StepRule(
        'RandomGaussianNoise',
        kind='unmapped',
        text='it stays; its noise is a share of the size of the body, that of '
        'mmshapmix.GaussianNoise is in the units of the coordinates',
    ),
    'JointToKB': StepRule(
        'JointToKB',
        kind='unmapped',
        text="it stays; mmshapmix.GenSkeFeat(feats=['k']) has this modality",
    ),
    'LoadKineticsPose': StepRule(
        'DecompressPose',
        defaults=dict(max_person=100),
        drop=dict(
            io_backend='the data set reads the files of Kinetics',
            source='DecompressPose takes the pickles of PYSKL and MMAction2',
            keypoint_weight='DecompressPose orders persons by plain scores',
        ),
    ),
    'Collect': StepRule(
        'PackActionInputs',
        own=('keys', 'meta_keys'),
        drop=dict(
            meta_name='MMAction2 has data samples for it',
            nested='MMAction2 has data samples for it',
        ),
        finish=_packed,
    ),
    'ToTensor': StepRule(
        'PackActionInputs', own=('keys',), finish=_as_tensors
    ),
}


def convert_pipeline(
    rows: Sequence[Section],
    layout: str | None,
    testing: bool,
    masked: bool = False,
) -> list[Step]:
    """Convert a pipeline.

    Args:
        rows: PYSKL's transforms; they are closed here.
        layout: Of the skeletons, a name in our table; none: unknown.
        testing: Whether it is that of validation or test.
        masked: See :class:`Scene`.

    Returns:
        MMAction2's.

    Raises:
        ValueError: If a transform has no `type`, or one of its arguments
            makes no sense.
    """
    scene, pipeline = Scene(layout, testing, masked), []
    for row in rows:
        with row:
            name = row.peek('type')
            step = convert_component(row, RULES, TRANSFORMS)
            pipeline += RULES.get(name, StepRule()).finish(step, scene, row)
    return pipeline
