"""Contents of checkpoints: weights, config, mixer, class names and groups."""

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
from ..interop.fit import MIXER, TRAINING_ONLY, misfit, refuse
from ..io.unpickling import brief
from ..models.estimators import SaliencyEstimator
from ..models.mixers import Mixer, ShapMix
from ..registry import MODELS


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read the weights and the ``meta`` of a checkpoint, on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no checkpoint, or a damaged one.
    """
    checkpoint = read_weights(path)
    return dict(
        meta=meta_of(checkpoint, path), state_dict=weights_of(checkpoint)
    )


def parse_config(text: str) -> dict[str, Any]:
    """Parse the text of a config that MMEngine writes into checkpoints.

    Such a text consists of assignments of literals and of ``dict(…)``. Nothing
    of the text is run, since a checkpoint may come from an unknown source.

    Raises:
        ValueError: If the text contains anything else.

    Example:
        >>> parse_config("model = dict(type='A', sizes=[1, 2])")
        {'model': {'type': 'A', 'sizes': [1, 2]}}
    """
    try:
        rows: list[Any] = ast.parse(text).body
        return {row.targets[0].id: _literal(row.value) for row in rows}
    except (
        *(AttributeError, SyntaxError, ValueError, TypeError),
        *(MemoryError, RecursionError),  # the text is nested too deeply
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
    """Return whether a checkpoint contains a saliency table."""
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


def build_mixer(checkpoint: dict[str, Any], source: str | Path) -> ShapMix:
    """Build the mixer of a checkpoint's training, with its saliency table.

    Args:
        checkpoint: See :func:`read_checkpoint`.
        source: Path of the checkpoint, for errors.

    Raises:
        ValueError: If the checkpoint has no mixer with a saliency table.
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
        if mixer.layout is None:  # the training took it from its data
            data = next(leaf_datasets(settings['train_dataloader']['dataset']))
            classes = settings['model']['cls_head']['num_classes']
            mixer.set_data(classes, data['layout'])
    # Settings of an unknown source can lead to nearly any error.
    except Exception as error:
        raise ValueError(
            f'Expected a mixer that can be built here, but that of {source} '
            f'cannot: {brief(error)}'
        ) from error
    load_mixer(mixer, checkpoint, source)
    return mixer


def _check_types(config: dict[str, Any]) -> None:
    """Check that all types are ours: a registry would import any name."""
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
    """Load a mixer's state from a checkpoint, and set its phase to guided.

    Raises:
        ValueError: If the checkpoint has another mixer, or no saliency table.
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
    """Class names from a checkpoint's meta, or else ``class 0`` and so on."""
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
    """Shot group of each class, e.g. ``many``; empty texts without counts."""
    names = [''] * num_classes
    if class_counts is not None:
        for group, members in shot_groups(np.asarray(class_counts)).items():
            for k in np.flatnonzero(members):
                names[k] = group
    return names


def load_weights(
    model: nn.Module, checkpoint: dict[str, Any], source: str | Path
) -> None:
    """Load a recognizer's weights; mixer and loss may differ.

    Raises:
        ValueError: If the weights do not fit the model.
    """
    state, _ = native_state(checkpoint, model, source)
    found = misfit(state, model).without(*TRAINING_ONLY)
    refuse(found, state, model, source)
    model.load_state_dict(completed(state, model), strict=False)
