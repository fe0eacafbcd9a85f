"""A PYSKL pipeline → MMAction2's transforms, and ours where it has none."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
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
    """

    layout: str | None
    testing: bool

    @property
    def dims(self) -> int:
        """Coordinates of a joint; 3 if nothing is known."""
        return LAYOUTS[self.layout].dims if self.layout else 3


SAMPLE = Rule('UniformSampleFrames', own=('p_interval', 'test_mode'))
FLIP = Rule(
    'mmshapmix.RandomSwapSides',
    renames=dict(flip_ratio='prob'),
    defaults=dict(prob=0.5),
    kind='changed',
    text='it exchanges the sides without mirroring them, as there; the mirror '
    'image is mmshapmix.RandomFlip',
)
RULES = {
    'UniformSample': SAMPLE,
    'UniformSampleFrames': SAMPLE,
    'UniformSampleDecode': replace(
        SAMPLE, kind='changed', text='and PoseDecode'
    ),
    'PreNormalize3D': Rule('PreNormalize3D', known=dict(align_center=True)),
    'PreNormalize2D': Rule(
        'PreNormalize2D',
        own=('threshold',),
        known=dict(mode='fix'),
        kind='changed',
        text="by the size of the picture, as PYSKL's mode='fix'; versions of "
        "PYSKL with mode='auto' take the box of the visible joints",
    ),
    'GenSkeFeat': Rule('GenSkeFeat', defaults=dict(dataset='nturgb+d')),
    'RandomScale': Rule('mmshapmix.RandomScale', defaults=dict(scale=0.2)),
    'RandomRot': Rule(
        'mmshapmix.RandomRotate',
        own=('theta',),
        kind='changed',
        text='radians are degrees; in a plane, about z',
    ),
    'Spatial_Flip': FLIP,
    'Temperal_Flip': Rule(
        'mmshapmix.RandomTemporalFlip',
        renames=dict(flip_ratio='prob'),
        defaults=dict(prob=0.5),
    ),
    'RandomGaussianNoise': Rule(
        'RandomGaussianNoise',
        kind='unmapped',
        text='it stays; its noise is a share of the size of the body, that of '
        'mmshapmix.GaussianNoise is in the units of the coordinates',
    ),
    'JointToKB': Rule(
        'JointToKB',
        kind='unmapped',
        text="it stays; mmshapmix.GenSkeFeat(feats=['k']) has this modality",
    ),
    'LoadKineticsPose': Rule(
        'DecompressPose',
        defaults=dict(max_person=100),
        drop=dict(
            io_backend='the data set reads the files of Kinetics',
            source='DecompressPose takes the pickles of PYSKL and MMAction2',
            keypoint_weight='DecompressPose orders persons by plain scores',
        ),
    ),
    'Collect': Rule(
        'PackActionInputs',
        own=('keys', 'meta_keys'),
        drop=dict(
            meta_name='MMAction2 has data samples for it',
            nested='MMAction2 has data samples for it',
        ),
    ),
    'ToTensor': Rule('PackActionInputs', own=('keys',)),
}


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


def _normalized(step: Step, scene: Scene, source: Section) -> list[Step]:
    threshold = step.pop('threshold', None)
    if threshold is None:
        return [step]
    text = f'{threshold}: mmshapmix.HideInvisible hides joints below it'
    source.note('threshold', 'changed', text)
    hide = dict(type='mmshapmix.HideInvisible', threshold=threshold)
    return [step, hide]


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
    angle = round(math.degrees(step.pop('theta', 0.3)), 4)
    step['degrees'] = (angle,) * 3 if scene.dims == 3 else (0, 0, angle)
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


STEPS: dict[str, Callable[[Step, Scene, Section], list[Step]]] = {
    'UniformSample': _sampled,
    'UniformSampleFrames': _sampled,
    'UniformSampleDecode': _decoded,
    'PreNormalize3D': _aligned,
    'PreNormalize2D': _normalized,
    'GenSkeFeat': _features,
    'RandomScale': _scaled,
    'RandomRot': _turned,
    'Spatial_Flip': _swapped,
    'Collect': _packed,
    'ToTensor': _as_tensors,
}
"""What a table cannot say: the step, as the new ones that take its place."""


def convert_pipeline(
    rows: Sequence[Section], layout: str | None, testing: bool
) -> list[Step]:
    """Convert a pipeline.

    Args:
        rows: PYSKL's transforms; they are closed here.
        layout: Of the skeletons, a name in our table; none: unknown.
        testing: Whether it is that of validation or test.

    Returns:
        MMAction2's.

    Raises:
        ValueError: If a transform has no `type`.
    """
    scene, pipeline = Scene(layout, testing), []
    for row in rows:
        with row:
            name = row.peek('type')
            step = convert_component(row, RULES, TRANSFORMS)
            change = STEPS.get(name, lambda step, *_: [step])
            pipeline += change(step, scene, row)
    return pipeline
