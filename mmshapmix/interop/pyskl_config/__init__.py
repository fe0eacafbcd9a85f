"""A PYSKL config → one of MMAction2, with our data set, metric and hooks.

PYSKL's configs are MMCV 1.x's. Every key of one is taken over, or noted: as
changed, as dropped because it is not needed, or as unmapped, which is lost.
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
"""Those of PYSKL's files; PYSKL reads none of them there."""

LATER = ('train_dataloader', 'optim_wrapper')
"""What MMEngine's configs have, and MMCV 1.x's have not."""


class Conversion(NamedTuple):
    """A converted config.

    Attributes:
        config: Its keys in a readable order. Beside what MMEngine's runner
            reads there are ``_base_`` and variables, as ``train_pipeline``,
            each the very object that stands where it is used.
        notes: What became of the keys that were not simply taken over.
    """

    config: dict[str, Any]
    notes: list[Note]


def convert_config(
    cfg: Mapping[str, Any], masked: bool | None = None
) -> Conversion:
    """Convert a config of PYSKL, or of a descendant as BRL.

    Args:
        cfg: Its keys, as PYSKL's files define them; it is not changed.
        masked: Whether ``PreNormalize2D`` hides joints of low scores, as PYSKL
            does since 2023-02; none: only if one of the config has an argument
            that came with that, since the published weights are older. The
            notes say which.

    Returns:
        The new config, and what was done.

    Raises:
        ValueError: If it is none of PYSKL's, or lacks what these have.
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
    """A copy of plain dicts, lists and tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(inner) for inner in value)
    return value


def _skeletons(model: Any) -> dict[str, Any]:
    """K and the layout, if the model says so and the layout is a known one."""
    model = model if isinstance(model, dict) else {}
    graph = (model.get('backbone') or {}).get('graph_cfg') or {}
    layout = layout_name(graph.get('layout'))
    return dict(
        num_classes=(model.get('cls_head') or {}).get('num_classes'),
        layout=layout if layout in [*LAYOUTS] else None,
    )


def _convert(source: Section, masked: bool) -> dict[str, Any]:
    """In the order of our own configs."""
    skeletons = _skeletons(source.peek('model'))
    variables = source.move(dict(ann_file='ann_file')) | {
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
    """A value and all inside of it."""
    yield value
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _values(inner)


def _masks(plain: Mapping[str, Any]) -> bool:
    """Whether a config is of a PYSKL that hides joints of low scores."""
    return any(
        isinstance(value, dict)
        and value.get('type') == 'PreNormalize2D'
        and not {'threshold', 'mode'}.isdisjoint(value)
        for value in _values(plain)
    )


def _take_variables(source: Section, plain: Mapping[str, Any]) -> None:
    """Note what PYSKL's files define for their own use.

    An unknown option looks the same, but is not found elsewhere, if it is
    more than a number or a word.
    """
    used = [*_values([v for key, v in plain.items() if key not in source])]
    for key in source:
        value = source.peek(key)
        found = value and isinstance(value, dict | list) and value in used
        if found or key in VARIABLES:
            shown = '' if found else f'{show(value)}: '
            source.take(key)
            source.note(key, 'dropped', shown + VARIABLE)
