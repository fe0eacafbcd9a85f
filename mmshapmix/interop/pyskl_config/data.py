"""PYSKL's `data` → MMAction2's loaders, with our data set and samplers."""

from typing import Any

from mmaction.registry import DATASETS

from ...functional.longtail import class_numbers
from .components import Rule, convert_component
from .pipeline import Step, convert_pipeline
from .section import Section, show

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
RULES = {
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
    """Converts a data set, in any nesting of others around it.

    Args:
        num_classes: K; none: unknown.
        layout: Of the skeletons, a name in our table; none: unknown.
        testing: Whether it is that of validation or test.
        masked: See :class:`~.pipeline.Scene`.

    Attributes:
        pipelines: Of the innermost data sets, those without others in them.
    """

    def __init__(
        self,
        num_classes: int | None,
        layout: str | None,
        testing: bool,
        masked: bool,
    ) -> None:
        self.num_classes = num_classes
        self.layout = layout
        self.testing = testing
        self.masked = masked
        self.pipelines: list[list[Step]] = []
        self._class_probs: list[tuple[Section, Any]] = []

    def convert(self, source: Section) -> dict[str, Any]:
        """Convert a data set; the section is not closed here.

        Raises:
            ValueError: If a part has no `type`.
        """
        parts = source.sections('datasets')
        steps = source.sections('pipeline')
        nested = dict(dataset=self.convert)
        dataset = convert_component(source, RULES, DATASETS, nested)
        if parts:
            dataset['datasets'] = []
            for part in parts:
                with part:
                    dataset['datasets'].append(self.convert(part))
        elif 'dataset' not in dataset:
            if dataset.get('class_prob') is not None:
                self._class_probs.append((source, dataset.pop('class_prob')))
            self._complete(dataset)
            self.pipelines.append(
                convert_pipeline(steps, self.layout, self.testing, self.masked)
            )
            dataset['pipeline'] = self.pipelines[-1]
        return dataset

    def _complete(self, dataset: dict[str, Any]) -> None:
        """And drop what is none: MMAction2 refuses that where PYSKL has it."""
        if dataset['type'] == RULES['PoseDataset'].type:
            dataset.setdefault('num_classes', self.num_classes)
            dataset.setdefault('layout', self.layout)
        for key in [key for key, value in dataset.items() if value is None]:
            del dataset[key]
        if self.testing:
            dataset['test_mode'] = True

    def sampler(self) -> dict[str, Any]:
        """Of the whole: a loader has one, PYSKL's data sets each their own."""
        kind, text = 'changed', 'the sampler of the loader has it'
        sampler: dict[str, Any] = dict(type='mmshapmix.ShuffleSampler')
        if self.testing:
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
        ((_, numbers),) = self._class_probs
        if not isinstance(numbers, dict):
            numbers = dict(enumerate(numbers))
        if self.num_classes:
            numbers = class_numbers(numbers, self.num_classes)
        return dict(
            type='mmshapmix.ReverseFrequencySampler', class_prob=numbers
        )


def convert_data(
    source: Section,
    num_classes: int | None,
    layout: str | None,
    masked: bool = False,
) -> dict[str, Any]:
    """Convert the data sets and how they are loaded.

    Args:
        source: PYSKL's ``data``; not closed here.
        num_classes: K; none: unknown.
        layout: Of the skeletons, a name in our table; none: unknown.
        masked: See :class:`~.pipeline.Scene`.

    Returns:
        For each part that is there ``PART_pipeline``, the very object that the
        data set holds, and ``PART_dataloader``.

    Raises:
        ValueError: If there is no training set, or a part has no `type`.
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
        converter = DatasetConverter(
            num_classes, layout, part != 'train', masked
        )
        with source.section(part) as rows:
            dataset = converter.convert(rows)
        if len(converter.pipelines) == 1:
            pipelines[f'{part}_pipeline'] = converter.pipelines[0]
        loaders[f'{part}_dataloader'] = dict(
            loader, sampler=converter.sampler(), dataset=dataset
        )
    return pipelines | loaders
