"""Conversion of PYSKL's `data`: loaders, samplers, data sets and transforms.

The new ones are MMAction2's, or ours where MMAction2 has no such thing. All
stand in one long file, since a data set holds its pipeline and both need to
know the same of its part.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mmaction.registry import DATASETS, TRANSFORMS

from ...functional.layouts import LAYOUTS
from ...functional.longtail import class_numbers
from .components import Rule, Section, convert_component, show
from .model import STOCK_LAYOUTS, layout_name

Step = dict[str, Any]
PACKED = ('keypoint', 'imgs', 'label')
STOCK_FEATS = ('j', 'b', 'jm', 'bm')


class Scene(NamedTuple):
    """Facts that all data sets and transforms of a part have in common.

    Attributes:
        num_classes: K; None if unknown.
        layout: Name of the skeletons' layout in our table; None if unknown.
        masked: Whether 2-D joints of low scores are hidden.
        testing: Whether the part is validation or test.
    """

    num_classes: int | None
    layout: str | None
    masked: bool
    testing: bool = False

    @property
    def dims(self) -> int:
        """Number of coordinates of a joint; 3 if the layout is unknown."""
        return LAYOUTS[self.layout].dims if self.layout else 3


Finish = Callable[[Step, Scene, Section], list[Step]]
"""Function from a converted step to the steps that take its place."""


def _kept(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Keep the step as it is."""
    return [step]


@dataclass(frozen=True)
class StepRule(Rule):
    """A rule that says how a transform is written here.

    Attributes:
        finish: Function that does what no other attribute of a rule can say.
    """

    finish: Finish = _kept


def _sampled(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Sample for the part that the step stands in, and cut a share if asked.

    The loader of a part says whether it is for testing, as in PYSKL.
    """
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
    """Sample and decode, which PYSKL does in one step."""
    return [*_sampled(step, scene, source), dict(type='PoseDecode')]


def _aligned(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Align the shoulders like the spine: PYSKL has one switch for both."""
    if 'align_spine' in step and 'align_shoulder' not in step:
        step['align_shoulder'] = step['align_spine']
    return [step]


def _normalized_2d(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Note which joints are hidden, and how to choose otherwise.

    The note is written in either case, since nothing in most configs tells
    which version of PYSKL trained them.
    """
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
    """Use our transform if MMAction2 lacks the layout or a modality."""
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
    """Scale all axes by the largest of PYSKL's scales."""
    scale = step['scale']
    if isinstance(scale, Sequence):
        step['scale'] = max(scale)
        kind = 'changed' if len({*scale}) == 1 else 'unmapped'
        text = f'{tuple(scale)}: {step["scale"]} for all axes alike'
        source.note('scale', kind, text)
    return [step]


def _turned(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Convert angles to degrees; joints in a plane turn about z only."""
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
    """Say the layout; without one the transform takes NTU's, as PYSKL does."""
    return [step | dict(layout=scene.layout)] if scene.layout else [step]


def _packed(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Pack without PYSKL's keys: our data set gives samples their names."""
    _check_keys(step.pop('keys', []), source)
    if step.get('meta_keys'):
        step['meta_keys'] = tuple(step['meta_keys'])
        return [step]
    return [dict(type=step['type'])]


def _as_tensors(step: Step, scene: Scene, source: Section) -> list[Step]:
    """Leave the step out: ``PackActionInputs`` makes tensors."""
    _check_keys(step.pop('keys', []), source)
    return []


def _check_keys(keys: Sequence[str], source: Section) -> None:
    """Note the keys that ``PackActionInputs`` does not pack."""
    other = [key for key in keys if key not in PACKED]
    if other:
        text = f'{other}: PackActionInputs takes the keypoints or images'
        source.note('keys', 'unmapped', text)


SAMPLE = StepRule(
    'UniformSampleFrames',
    own=('p_interval', 'test_mode'),
    finish=_sampled,
)
STEP_RULES = {
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


def convert_pipeline(rows: Sequence[Section], scene: Scene) -> list[Step]:
    """Convert a pipeline.

    Args:
        rows: PYSKL's transforms; they are closed here.
        scene: Facts about the part that has the pipeline.

    Returns:
        The new steps.

    Raises:
        ValueError: If a transform has no `type`, or one of its arguments
            makes no sense.
    """
    pipeline: list[Step] = []
    for row in rows:
        with row:
            name = row.peek('type')
            step = convert_component(row, STEP_RULES, TRANSFORMS)
            finish = STEP_RULES.get(name, StepRule()).finish
            pipeline += finish(step, scene, row)
    return pipeline


PARTS = ('train', 'val', 'test')
LOADER = dict(
    videos_per_gpu='batch_size',
    workers_per_gpu='num_workers',
    persistent_workers='persistent_workers',
    pin_memory='pin_memory',
    drop_last='drop_last',
)
NO_SERVER = 'files are read as they are, without a server between'
MEMCACHED = dict(memcached=NO_SERVER, mc_cfg=NO_SERVER)
WRAPPER = dict(test_mode='the loader says so')
DATASET_RULES = {
    'PoseDataset': Rule(
        'mmshapmix.LongTailPoseDataset',
        renames=dict(data_list_path='sample_list'),
        own=('class_prob',),
        only=dict(modality='Pose'),
        drop=dict(
            **WRAPPER,
            **MEMCACHED,
            start_index='it is 0 for skeletons',
            imb_factor='the list of samples has it, and class counts are '
            'measured; `long_tail` cuts a tail without a list',
        ),
        kind='changed',
        text='it measures class counts, names samples and can cut a tail',
    ),
    'RepeatDataset': Rule('RepeatDataset', drop=WRAPPER),
    'ConcatDataset': Rule('ConcatDataset', drop=WRAPPER),
}


class DatasetConverter:
    """Converter of the data set of a part, with any wrappers around it.

    Args:
        scene: Facts about the part.

    Attributes:
        pipelines: Pipelines of the innermost data sets.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.pipelines: list[list[Step]] = []
        self._class_probs: list[tuple[Section, Any]] = []

    def convert(self, source: Section) -> dict[str, Any]:
        """Convert a data set and those it wraps; ``source`` is not closed.

        Raises:
            ValueError: If a data set or a transform has no `type`.
        """
        parts = source.sections('datasets')
        steps = source.sections('pipeline')
        nested = dict(dataset=self.convert)
        dataset = convert_component(source, DATASET_RULES, DATASETS, nested)
        if parts:
            dataset['datasets'] = []
            for part in parts:
                with part:
                    dataset['datasets'].append(self.convert(part))
        elif 'dataset' not in dataset:
            if dataset.get('class_prob') is not None:
                self._class_probs.append((source, dataset.pop('class_prob')))
            self._complete(dataset)
            self.pipelines.append(convert_pipeline(steps, self.scene))
            dataset['pipeline'] = self.pipelines[-1]
        return dataset

    def _complete(self, dataset: dict[str, Any]) -> None:
        """Add what PYSKL's data sets are not told, and remove None.

        MMAction2 refuses None for some arguments of which PYSKL takes it.
        """
        if dataset['type'] == DATASET_RULES['PoseDataset'].type:
            dataset.setdefault('num_classes', self.scene.num_classes)
            dataset.setdefault('layout', self.scene.layout)
        for key in [key for key, value in dataset.items() if value is None]:
            del dataset[key]
        if self.scene.testing:
            dataset['test_mode'] = True

    def sampler(self) -> dict[str, Any]:
        """The sampler of the loader, after :meth:`convert`.

        PYSKL gives each data set a ``class_prob`` of its own; MMEngine's
        loader has one sampler for all of them.
        """
        kind, text = 'changed', 'the sampler of the loader has it'
        sampler: dict[str, Any] = dict(type='mmshapmix.ShuffleSampler')
        if self.scene.testing:
            kind, text = 'dropped', 'every sample is tested once'
            sampler = dict(type='DefaultSampler', shuffle=False)
        elif len(self.pipelines) > 1:
            kind, text = 'unmapped', 'one sampler draws from all data sets'
        elif self._class_probs:
            sampler = self._weighted()
        for source, numbers in self._class_probs:
            source.note('class_prob', kind, f'{show(numbers)}: {text}')
        return sampler

    def _weighted(self) -> dict[str, Any]:
        """The sampler that draws by the only ``class_prob``."""
        ((_, numbers),) = self._class_probs
        if not isinstance(numbers, dict):
            numbers = dict(enumerate(numbers))
        if self.scene.num_classes:
            numbers = class_numbers(numbers, self.scene.num_classes)
        return dict(
            type='mmshapmix.ReverseFrequencySampler', class_prob=numbers
        )


def convert_data(source: Section, scene: Scene) -> dict[str, Any]:
    """Convert the data sets and how they are loaded.

    Args:
        source: PYSKL's ``data``; not closed here.
        scene: Facts about the training data.

    Returns:
        ``PART_pipeline`` and ``PART_dataloader`` for each part that is there.
        The pipeline is the very object that the data set holds.

    Raises:
        ValueError: If there is no training set, or a component has no `type`.
    """
    if 'train' not in source:
        raise ValueError(
            'Expected `data.train` in a PYSKL config, but there is none.'
        )
    common = dict(batch_size=1, num_workers=1) | source.move(LOADER)
    pipelines, loaders = {}, {}
    for part in [part for part in PARTS if part in source]:
        with source.section(f'{part}_dataloader') as settings:
            loader = common | settings.move(LOADER)
        loader.setdefault('persistent_workers', loader['num_workers'] > 0)
        converter = DatasetConverter(scene._replace(testing=part != 'train'))
        with source.section(part) as rows:
            dataset = converter.convert(rows)
        if len(converter.pipelines) == 1:
            pipelines[f'{part}_pipeline'] = converter.pipelines[0]
        loaders[f'{part}_dataloader'] = dict(
            loader, sampler=converter.sampler(), dataset=dataset
        )
    return pipelines | loaders
