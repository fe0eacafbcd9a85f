r"""Conversion of published checkpoints to MMAction2's, and back to PYSKL's.

:mod:`.sources` says how each codebase names its weights. A checkpoint is
converted for a given model, and only as a whole: see :mod:`.fit`.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from numbers import Integral
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import torch
from torch import Tensor, nn

from ..io.files import replaced
from ..io.tensors import load_tensors
from .fit import (
    CLASSIFIER,
    HEAD,
    TRAINING_ONLY,
    State,
    misfit,
    refuse,
    some,
)
from .sources import SOURCES, Source, for_pyskl, renamed, source_of

STATE_KEYS = ('state_dict', 'model_state_dict', 'model', 'weights')
"""Keys under which files keep the weights, if they hold more than weights."""
PYSKL_BACKBONES = {'STGCN', 'AAGCN', 'CTRGCN', 'MSG3D', 'DGSTGCN'}
LINEAR_HEAD = {CLASSIFIER, 'cls_head.fc.bias'}
"""Names, in our models, of all the weights that PYSKL's head has."""


def weights_of(checkpoint: Mapping[str, Any]) -> State:
    """The weights of a loaded file.

    Args:
        checkpoint: The loaded file: weights, alone or under one of
            :data:`STATE_KEYS`.

    Returns:
        Name to tensor; names do not begin with ``module.``.

    Raises:
        ValueError: If two tensors get the same name.
    """
    found = [
        checkpoint[key]
        for key in STATE_KEYS
        if isinstance(checkpoint.get(key), Mapping)
    ]
    return renamed((found or [checkpoint])[0], [(r'^module\.', '')])


def weights_in(checkpoint: Any, path: str | Path) -> State:
    """The weights of a loaded file that may have none.

    Args:
        checkpoint: The loaded file, of any type.
        path: Path of the file, for errors.

    Returns:
        See :func:`weights_of`.

    Raises:
        ValueError: If the file has no weights, or two with one name.
    """
    try:
        found = isinstance(checkpoint, Mapping)
        state = weights_of(checkpoint) if found else {}
    except ValueError as error:
        raise ValueError(f'{error} It is {path}.') from error
    if not (state and all(isinstance(v, Tensor) for v in state.values())):
        raise ValueError(
            f'Expected weights, alone or under one of {STATE_KEYS}, but '
            f'{path} has none. Save the state dict of a model.'
        )
    return state


def meta_of(checkpoint: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """The ``meta`` that MMEngine keeps beside weights; empty if missing.

    Args:
        checkpoint: The loaded file.
        path: Path of the file, for errors.

    Raises:
        ValueError: If ``meta`` is not a dict.
    """
    meta = checkpoint.get('meta', {})
    if not isinstance(meta, Mapping):
        raise ValueError(
            f"Expected a dict as 'meta' of {path}, but got {shortened(meta)}. "
            'The file is damaged: take another one, or save its state dict '
            'alone.'
        )
    return dict(meta)


def class_counts_of(
    meta: Mapping[str, Any], num_classes: int | None, path: str | Path
) -> list[int] | None:
    """The class counts of the training that a checkpoint is from.

    Args:
        meta: See :func:`meta_of`.
        num_classes: K, if known.
        path: Path of the checkpoint, for errors.

    Returns:
        Number of training samples of each of K classes; None if the checkpoint
        does not say it.

    Raises:
        ValueError: If the counts are not K whole numbers of samples.
    """
    counts = meta.get('class_counts')
    if counts is None:
        return None
    where = f"meta['class_counts'] of {path}"
    advice = 'Take the config of the training, or a checkpoint without them.'
    counts = counts.tolist() if hasattr(counts, 'tolist') else counts
    if not isinstance(counts, list | tuple) or not all(
        isinstance(n, Integral) and type(n) is not bool and 0 <= int(n) < 2**48
        for n in counts
    ):
        raise ValueError(
            f'Expected numbers of training samples as {where}, but got '
            f'{shortened(counts)}. {advice}'
        )
    if len(counts) != (num_classes or len(counts)) or not any(counts):
        raise ValueError(
            f'Expected training samples of {num_classes} classes as {where}, '
            f'but got {len(counts)} numbers, {sum(counts)} in all. {advice}'
        )
    return [*map(int, counts)]


def plain_meta(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The plain data in the ``meta`` of a loaded file.

    The text of the config is left out, since it is of another framework.
    """
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    return {k: v for k, v in meta.items() if k != 'config' and _is_plain(v)}


def _is_plain(value: Any, depth: int = 32) -> bool:
    """Tell if a value consists of plain containers and values, not too deep.

    The search goes level by level and visits each container once, since the
    containers of a file may be nested without end.
    """
    level, seen = [value], set()
    for _ in range(depth):
        inner = []
        for one in level:
            if isinstance(one, Mapping | list | tuple):
                new = id(one) not in seen
                seen.add(id(one))
                keys = [*one] if new else []
                inner += keys
                if isinstance(one, Mapping):
                    inner += map(one.get, keys)
            elif one is not None and type(one) not in (bool, int, float, str):
                return False
        if not inner:
            return True
        level = inner
    return False


def native_state(
    checkpoint: Any, model: nn.Module, path: str | Path
) -> tuple[State, Source | None]:
    """The weights of a file as a model names them, and their source.

    Args:
        checkpoint: The loaded file, with the names of one of
            :data:`~.sources.SOURCES` or with the model's own.
        model: See :func:`convert_state_dict`.
        path: Path of the file, for errors.

    Returns:
        Name to tensor, and the codebase that the weights are from; None for
        the latter if they have the model's own names.

    Raises:
        ValueError: If the file has no weights, or if the model would compute
            otherwise with them than their codebase does.
    """
    state = weights_in(checkpoint, path)
    source = source_of(state)
    return (translated(state, source, model) if source else state), source


def translated(
    state: Mapping[str, Tensor], source: Source, model: nn.Module
) -> State:
    """Translate published weights to the names and shapes of a model.

    The result need not fit the model: names that the codebase's rules do not
    cover stay as they are.

    Raises:
        ValueError: If the model's backbone computes otherwise than the source.
    """
    _check_variant(source, model)
    own = model.state_dict()
    result = renamed(source.prepare(dict(state)), source.renames)
    for pattern, change in source.changes:
        for name in filter(re.compile(pattern).search, result):
            result[name] = change(result[name], own.get(name))
    return result


def headless(state: Mapping[str, Tensor]) -> State:
    """The weights without those of the head."""
    return {n: v for n, v in state.items() if not n.startswith(HEAD)}


def completed(state: Mapping[str, Tensor], model: nn.Module) -> State:
    """The weights that fit a model, completed by buffers of its own.

    Args:
        state: Name to tensor.
        model: The model, of which those buffers are taken that the weights may
            lack (see :mod:`.fit`) and that a prediction uses.
    """
    misfits = misfit(state, model).names()
    return {
        name: state[name] if name in state else value.clone()
        for name, value in model.state_dict().items()
        if name not in misfits
        and (name in state or not name.startswith(TRAINING_ONLY))
    }


def convert_state_dict(
    state: Mapping[str, Tensor],
    model: nn.Module,
    without_head: bool = False,
    path: str | Path = 'the checkpoint',
) -> State:
    """Convert published weights for a model of MMAction2.

    Args:
        state: See :func:`weights_of`; from one of :data:`~.sources.SOURCES`.
        model: A recognizer with the ``backbone`` and the ``cls_head`` that the
            weights were trained with; not changed.
        without_head: Leave the head out, to train it for other classes.
        path: Path of the weights, for errors.

    Returns:
        The weights of backbone and head, named as in ``model.state_dict``.

    Raises:
        ValueError: If the weights are of an unknown codebase or of another
            model. The message lists names that are too many or missing and
            shapes that differ, and says what to do.
    """
    source = source_of(state)
    if source is None:
        raise ValueError(
            f'Expected weights of {", ".join(s.name for s in SOURCES)} or '
            f'their descendants, but {path} has others: {some([*state])}. '
            "Those of MMAction2's own models need no conversion."
        )
    converted = translated(state, source, model)
    found = misfit(converted, model)
    if without_head:
        found, converted = found.without(HEAD), headless(converted)
    refuse(found, converted, model, path)
    return completed(converted, model)


def to_pyskl(
    state: Mapping[str, Tensor],
    model: nn.Module,
    path: str | Path = 'the checkpoint',
) -> State:
    """Convert a model's weights for PYSKL.

    Args:
        state: The model's weights, see :func:`weights_of`. The state of a
            mixer may stand beside them; it is left out.
        model: A recognizer with a backbone and a head that PYSKL has.
        path: Path of the weights, for errors.

    Returns:
        Name to tensor, as PYSKL's ``RecognizerGCN`` loads it.

    Raises:
        ValueError: If PYSKL does not have the backbone or the head, or the
            weights are not the model's.
    """
    kinds = {kind.__name__ for kind in type(model.backbone).__mro__}
    if not kinds & PYSKL_BACKBONES or _variant(model) != 'pyskl':
        raise ValueError(
            f'Expected a backbone that PYSKL has ({sorted(PYSKL_BACKBONES)}; '
            f"CTRGCN of variant 'pyskl'), but got {_backbone(model)}. PYSKL "
            'cannot load it.'
        )
    kept = {
        name: value
        for name, value in state.items()
        if not name.startswith(TRAINING_ONLY)
    }
    refuse(misfit(kept, model), kept, model, path)
    head = {name for name in kept if name.startswith(HEAD)}
    if head != LINEAR_HEAD:
        raise ValueError(
            f"Expected a head of {sorted(LINEAR_HEAD)}, as PYSKL's, but got "
            f'{type(model.cls_head).__name__} with {sorted(head)}.'
        )
    theirs = renamed(kept, [(r'^cls_head\.fc\.', 'cls_head.fc_cls.')])
    return {name: for_pyskl(name, value) for name, value in theirs.items()}


def _variant(model: nn.Module) -> str:
    """Name of the codebase whose implementation the backbone follows.

    A backbone without variants follows PYSKL's.
    """
    return getattr(model.backbone, 'variant', 'pyskl')


def _backbone(model: nn.Module) -> str:
    """Description of a model's backbone, for messages."""
    backbone: Any = model.backbone
    has = hasattr(backbone, 'variant')
    suffix = f' of variant {backbone.variant!r}' if has else ''
    return type(backbone).__name__ + suffix


def _check_variant(source: Source, model: nn.Module) -> None:
    """Refuse a backbone that computes otherwise with the same weights."""
    variant = getattr(model.backbone, 'variant', None)
    if variant and source.variant and variant != source.variant:
        raise ValueError(
            f'Expected a backbone that computes as {source.name} does, but '
            f'got {_backbone(model)}. In the config, set '
            f'model.backbone.variant={source.variant!r}, of mmshapmix.CTRGCN.'
        )


def read_weights(path: str | Path) -> dict[str, Any]:
    """Read a file of weights, on the CPU, without running any code in it.

    Args:
        path: A file that any version of torch saved, with weights alone or
            beside other things, see :func:`weights_of`.

    Returns:
        The content of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, asks for classes that no weights
            need, or has no weights. The message names the file.
    """
    checkpoint = load_tensors(path)
    weights_in(checkpoint, path)
    return dict(checkpoint)


def replace_state(
    checkpoint: MutableMapping[str, Any],
    state: State,
    meta: Mapping[str, Any],
    keep_rest: bool,
) -> None:
    """Give a loaded checkpoint another state, in the form of MMEngine's.

    Args:
        checkpoint: The loaded file. It is changed.
        state: Name to tensor.
        meta: The new ``meta``.
        keep_rest: Keep whatever else the checkpoint has beside ``state_dict``.
    """
    old = checkpoint.get('state_dict')
    rest = dict(checkpoint) if keep_rest and old is not None else {}
    new: Any = OrderedDict(state)
    # The versions of modules, without which torch would take the state for one
    # of old modules.
    new._metadata = getattr(old, '_metadata', OrderedDict())
    checkpoint.clear()
    checkpoint.update(rest, meta=dict(meta), state_dict=new)


def save_checkpoint(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Save a checkpoint at once or not at all; missing folders are made.

    Args:
        checkpoint: A checkpoint with ``state_dict`` and ``meta``.
        path: Path to save to; a file that is there is replaced.
    """
    with replaced(path) as partial:
        torch.save(dict(checkpoint), partial)
