"""Conversion of PYSKL's configs to MMAction2's.

The new config has our data set, metric and hooks. PYSKL writes its configs for
MMCV 1.x. Each key of one is either taken over or noted: as changed, as dropped
because it is not needed, or as unmapped, which means that it is lost.

:mod:`.model`, :mod:`.data` and :mod:`.runtime` convert the sections of a
config, by means of :mod:`.components`; :mod:`.text` reads and writes configs.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...functional.layouts import LAYOUTS
from .components import Note, Section, describe_notes, show
from .data import Scene, convert_data
from .model import convert_model, layout_name
from .runtime import (
    convert_batch,
    convert_learning_rate,
    convert_optimizer,
    convert_runtime,
    convert_training,
)
from .text import check_text, config_text, run_config

__all__ = [
    'Conversion',
    'Note',
    'check_text',
    'config_text',
    'convert_config',
    'describe_notes',
    'run_config',
]

BASE = 'mmaction::_base_/default_runtime.py'
SECTIONS = ('model', 'data', 'optimizer')
VARIABLE = 'a variable: its value stands where it is used'
VARIABLES = (
    *('dataset_type', 'data_root', 'ann_file_train', 'ann_file_val'),
    *('ann_file_test', 'split', 'modality', 'graph', 'feats', 'clip_len'),
    *('num_clips', 'num_person', 'num_classes', 'box_thr', 'valid_ratio'),
    *('left_kp', 'right_kp', 'left_limb', 'right_limb', 'skeletons'),
)
"""Variables in PYSKL's files: keys that PYSKL does not read at this level."""

LATER = ('train_dataloader', 'optim_wrapper')
"""Keys that configs for MMEngine have, and configs for MMCV 1.x have not."""


class Conversion(NamedTuple):
    """A converted config.

    Attributes:
        config: The new keys in a readable order. Beside the keys that
            MMEngine's runner reads there are ``_base_`` and variables such as
            ``train_pipeline``. A variable is the very object that stands where
            the variable is used.
        notes: Notes on the keys that were not simply taken over.
    """

    config: dict[str, Any]
    notes: list[Note]


def convert_config(
    cfg: Mapping[str, Any], masked: bool | None = None
) -> Conversion:
    """Convert a config of PYSKL, or of a descendant such as BRL.

    Args:
        cfg: The keys of the config, as PYSKL's files define them; not changed.
        masked: Whether ``PreNormalize2D`` hides joints of low scores, as PYSKL
            does since 2023-02. By default joints are hidden only if a
            ``PreNormalize2D`` of the config has an argument that came with
            that change, since the published weights are older. The notes say
            what was chosen.

    Returns:
        The new config, and notes on what was done.

    Raises:
        ValueError: If the config is not one of PYSKL's, or lacks a key that
            those have.
    """
    _check(cfg)
    notes: list[Note] = []
    plain = _plain(cfg)
    masked = _masks(plain) if masked is None else masked
    with Section(plain, '', notes) as source:
        config = _convert(source, masked)
        _take_variables(source, plain)
    return Conversion(config, notes)


def _check(cfg: Mapping[str, Any]) -> None:
    """Refuse a config that is not one of PYSKL's."""
    later = [key for key in LATER if key in cfg]
    if later:
        raise ValueError(
            f'Expected a PYSKL config, but this has {later}, as those of '
            'MMAction2 1.x: nothing is to be converted.'
        )
    missing = [key for key in SECTIONS if key not in cfg]
    if missing:
        raise ValueError(
            f'Expected a PYSKL config, with {list(SECTIONS)}, but this has no '
            f'{missing}.'
        )


def _plain(value: Any) -> Any:
    """Copy a config into plain dicts, lists and tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(inner) for inner in value)
    return value


def _skeletons(model: Any) -> dict[str, Any]:
    """K and the layout of a model; None where it names none that we know."""
    model = model if isinstance(model, dict) else {}
    graph = (model.get('backbone') or {}).get('graph_cfg') or {}
    layout = layout_name(graph.get('layout'))
    return dict(
        num_classes=(model.get('cls_head') or {}).get('num_classes'),
        layout=layout if layout in [*LAYOUTS] else None,
    )


def _convert(source: Section, masked: bool) -> dict[str, Any]:
    """Convert all sections, in the order of our own configs."""
    skeletons = _skeletons(source.peek('model'))
    variables = source.keep('ann_file') | {
        key: value for key, value in skeletons.items() if value is not None
    }
    with source.section('model') as section:
        model = convert_model(section)
    with source.section('data') as section:
        data = convert_data(section, Scene(**skeletons, masked=masked))
    training = convert_training(source)
    loops = dict(val_cfg=dict(type='ValLoop'), test_cfg=dict(type='TestLoop'))
    evaluator = training.pop('val_evaluator')
    hooks = training.pop('default_hooks')
    for part in ('val', 'test'):
        if f'{part}_dataloader' in data:
            training[f'{part}_cfg'] = loops[f'{part}_cfg']
            training[f'{part}_evaluator'] = evaluator
    return dict(
        _base_=BASE,
        custom_imports=dict(imports=['mmshapmix'], allow_failed_imports=False),
        **variables,
        model=model,
        **data,
        **training,
        optim_wrapper=convert_optimizer(source),
        auto_scale_lr=convert_batch(source, data['train_dataloader']),
        param_scheduler=convert_learning_rate(source),
        default_hooks=hooks,
        **convert_runtime(source),
    )


def _values(value: Any) -> Iterator[Any]:
    """Yield a value and every value nested in it."""
    yield value
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _values(inner)


def _masks(plain: Mapping[str, Any]) -> bool:
    """Tell if a config is for a PYSKL that hides joints of low scores."""
    return any(
        isinstance(value, dict)
        and value.get('type') == 'PreNormalize2D'
        and not {'threshold', 'mode'}.isdisjoint(value)
        for value in _values(plain)
    )


def _take_variables(source: Section, plain: Mapping[str, Any]) -> None:
    """Note the variables that PYSKL's files define for their own use.

    An unknown option looks like a variable. A key is taken for a variable if
    its name is in :data:`VARIABLES`, or if it holds a dict or a list that also
    stands in a section.
    """
    used = [*_values([v for key, v in plain.items() if key not in source])]
    for key in source:
        value = source.peek(key)
        found = value and isinstance(value, dict | list) and value in used
        if found or key in VARIABLES:
            shown = '' if found else f'{show(value)}: '
            source.take(key)
            source.note(key, 'dropped', shown + VARIABLE)
