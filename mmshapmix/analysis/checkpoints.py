"""What checkpoints hold beside weights: config, mixer, names and counts."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..engine.launch import leaf_datasets
from ..functional.longtail import shot_groups
from ..interop.checkpoints import (
    completed,
    meta_of,
    native_state,
    read_weights,
    weights_of,
)
from ..interop.fit import TRAINING_ONLY, misfit, refuse
from ..io.unpickling import brief
from ..models.estimators import SaliencyEstimator
from ..models.mixers import Mixer
from ..registry import MODELS

MIXER = 'data_preprocessor.blending.'
"""Where the mixer's state lies in that of a recognizer."""


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """The weights of a checkpoint and its ``meta``, on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint, or a damaged one.
    """
    checkpoint = read_weights(path)
    return dict(
        meta=meta_of(checkpoint, path), state_dict=weights_of(checkpoint)
    )


def parse_config(text: str) -> dict[str, Any]:
    """The settings of a config as MMEngine writes it into checkpoints.

    Such a text is assignments of literals and of ``dict(…)``. Parsing runs
    nothing of it, since a checkpoint may come from anywhere.

    Raises:
        ValueError: For anything else.

    Example:
        >>> parse_config("model = dict(type='A', sizes=[1, 2])")
        {'model': {'type': 'A', 'sizes': [1, 2]}}
    """
    try:
        rows: list[Any] = ast.parse(text).body
        return {row.targets[0].id: _literal(row.value) for row in rows}
    except (
        *(AttributeError, SyntaxError, ValueError, TypeError),
        *(MemoryError, RecursionError),  # it is nested too deep
    ) as error:
        reason = brief(str(error) or type(error).__name__)
        raise ValueError(
            'Expected a config of plain settings in the checkpoint, but it '
            f'has something else: {reason}.'
        ) from error


def _literal(node: ast.expr) -> Any:
    if isinstance(node, (ast.List, ast.Tuple)):
        values = [_literal(item) for item in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    if isinstance(node, ast.Dict):
        keys: list[Any] = node.keys
        pairs = zip(
            map(ast.literal_eval, keys),
            map(_literal, node.values),
            strict=True,
        )
        return dict(pairs)
    if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'dict':
        named: dict[Any, Any] = {
            row.arg: _literal(row.value) for row in node.keywords
        }
        return dict(*map(_literal, node.args), **named)
    return ast.literal_eval(node)


def has_table(checkpoint: dict[str, Any]) -> bool:
    """Return whether a checkpoint holds a table of saliency."""
    return any(
        name.startswith(f'{MIXER}estimator.')
        for name in checkpoint['state_dict']
    )


def _check_table(checkpoint: dict[str, Any], source: str | Path) -> None:
    if not has_table(checkpoint):
        raise ValueError(
            'Expected a checkpoint of a training with a mixer that estimates '
            f'saliency (mmshapmix.ShapMix), but {source} has no table of it.'
        )


def build_mixer(checkpoint: dict[str, Any], source: str | Path) -> Mixer:
    """The mixer that a checkpoint was trained with, and its table.

    Args:
        checkpoint: See :func:`read_checkpoint`.
        source: Its path, for errors.

    Raises:
        ValueError: If it has no mixer with a table of saliency.
    """
    _check_table(checkpoint, source)
    text = checkpoint['meta'].get('cfg')
    if not isinstance(text, str):
        raise ValueError(
            f'Expected a checkpoint of MMEngine with its config, but {source} '
            "has no meta['cfg']."
        )
    try:
        settings = parse_config(text)
        config = settings['model']['data_preprocessor']['blending']
        _check_types(config)
        mixer = MODELS.build(config)
        if mixer.layout is None:  # it took what the data have
            data = next(leaf_datasets(settings['train_dataloader']['dataset']))
            classes = settings['model']['cls_head']['num_classes']
            mixer.set_data(classes, data['layout'])
    # What settings of nobody knows whom lead to can be nearly anything.
    except Exception as error:
        raise ValueError(
            f'Expected a mixer that can be built here, but that of {source} '
            f'cannot: {brief(error)}'
        ) from error
    load_mixer(mixer, checkpoint, source)
    return mixer


def _check_types(config: dict[str, Any]) -> None:
    """Refuse types other than ours, since a registry would import any name."""
    guidance = config.get('guidance')
    nested = [guidance] if isinstance(guidance, dict) else []
    for row in (config, *nested):
        name = str(row.get('type'))
        kind = MODELS.module_dict.get(name.removeprefix('mmshapmix.'))
        if not (kind and issubclass(kind, (Mixer, SaliencyEstimator))):
            raise ValueError(
                f'{brief(name)} is neither a mixer nor an estimator.'
            )


def load_mixer(
    mixer: Mixer, checkpoint: dict[str, Any], source: str | Path
) -> None:
    """Load an estimating mixer's part of a checkpoint: it can be guided then.

    Raises:
        ValueError: If the checkpoint has another mixer or no table.
    """
    _check_table(checkpoint, source)
    state = {
        name.removeprefix(MIXER): value
        for name, value in checkpoint['state_dict'].items()
        if name.startswith(MIXER)
    }
    if found := misfit(state, mixer, whole=True):
        raise ValueError(
            f'Expected the state of a {type(mixer).__name__} as configured, '
            f'but {source} has another. {found}. Take the config that it was '
            'trained with.'
        )
    mixer.load_state_dict(state)
    mixer.phase = 'guided'


def class_names(meta: dict[str, Any], num_classes: int) -> list[str]:
    """Names of the classes, ``class 3`` and so on where they have none."""
    known = meta.get('dataset_meta')
    names = known.get('classes') if isinstance(known, Mapping) else None
    if (
        isinstance(names, list | tuple)
        and len(names) == num_classes
        and all(isinstance(name, str) for name in names)
    ):
        return list(names)
    return [f'class {k}' for k in range(num_classes)]


def group_names(
    class_counts: Sequence[int] | None, num_classes: int
) -> list[str]:
    """``many``, ``medium`` or ``few`` of each class; empty without counts."""
    names = [''] * num_classes
    if class_counts is not None:
        for group, members in shot_groups(np.asarray(class_counts)).items():
            for k in np.flatnonzero(members):
                names[k] = group
    return names


def load_weights(
    model: nn.Module, checkpoint: dict[str, Any], source: str | Path
) -> None:
    """Load a recognizer's weights, whatever mixer and loss it was given.

    Raises:
        ValueError: If they are not those of the model.
    """
    state, _ = native_state(checkpoint, model, source)
    found = misfit(state, model).without(*TRAINING_ONLY)
    refuse(found, state, model, source)
    model.load_state_dict(completed(state, model), strict=False)
