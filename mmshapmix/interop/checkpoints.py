r"""Published checkpoints, for MMAction2's models, and back to PYSKL's.

:mod:`.sources` says how each codebase names its weights. A checkpoint is
converted for a model, and only as a whole: see :mod:`.fit`.
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
"""Where files keep the weights, if they hold more than these."""
PYSKL_BACKBONES = {'STGCN', 'AAGCN', 'CTRGCN', 'MSG3D', 'DGSTGCN'}
LINEAR_HEAD = {CLASSIFIER, 'cls_head.fc.bias'}
"""All that PYSKL's head has, by our names."""


def weights_of(checkpoint: Mapping[str, Any]) -> State:
    """The weights in a loaded file, which may hold more, or these alone.

    Args:
        checkpoint: What was loaded.

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
    """:func:`weights_of` whatever was loaded.

    Args:
        checkpoint: What was loaded.
        path: Where from, for errors.

    Raises:
        ValueError: If it has no weights.
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
    """What MMEngine keeps beside weights; empty if there is nothing.

    Args:
        checkpoint: What was loaded.
        path: Where from, for errors.

    Raises:
        ValueError: If it is no dict.
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
    """Training samples of each class that a checkpoint tells of; or none.

    Args:
        meta: See :func:`meta_of`.
        num_classes: K, if it is known.
        path: Where from, for errors.

    Raises:
        ValueError: If they are not K whole numbers of samples.
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
    """What a loaded file says in ``meta``, as far as it is plain data.

    But for the text of its config, which is of another framework.
    """
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    return {k: v for k, v in meta.items() if k != 'config' and _is_plain(v)}


def _is_plain(value: Any, depth: int = 32) -> bool:
    """Whether there are plain containers and values only, not too deep.

    Level by level, each container once: a file may nest them without end.
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
    """A file's weights by a model's names, and whose they were.

    Args:
        checkpoint: What was loaded: of one of :data:`~.sources.SOURCES`, or by
            the model's own names.
        model: See :func:`convert_state_dict`.
        path: Where from, for errors.

    Raises:
        ValueError: If it has no weights, or those of a model that would use
            them otherwise.
    """
    state = weights_in(checkpoint, path)
    source = source_of(state)
    return (translated(state, source, model) if source else state), source


def translated(
    state: Mapping[str, Tensor], source: Source, model: nn.Module
) -> State:
    """Published weights as a model of MMAction2 names and uses them.

    They need not fit; what the model's code does not have is left as it is.

    Raises:
        ValueError: If the model's backbone computes otherwise.
    """
    _check_variant(source, model)
    own = model.state_dict()
    result = renamed(source.prepare(dict(state)), source.renames)
    for pattern, change in source.changes:
        for name in filter(re.compile(pattern).search, result):
            result[name] = change(result[name], own.get(name))
    return result


def headless(state: Mapping[str, Tensor]) -> State:
    """All but the head."""
    return {n: v for n, v in state.items() if not n.startswith(HEAD)}


def completed(state: Mapping[str, Tensor], model: nn.Module) -> State:
    """What fits of some weights, and of the model's state what they may lack.

    Args:
        state: Name to tensor.
        model: Its parameters and statistics are not added, nor what only
            training uses.
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
    """Published weights as a model of MMAction2 names and uses them.

    Args:
        state: See :func:`weights_of`; of one of :data:`~.sources.SOURCES`.
        model: A recognizer with ``backbone`` and ``cls_head``, as the weights
            were trained with. It is not changed.
        without_head: Leave the head out, to train it for other classes.
        path: Where they are from, for errors.

    Returns:
        The weights of backbone and head, as ``model.state_dict`` has them.

    Raises:
        ValueError: If the weights are of an unknown codebase, or not those of
            the model: the message lists names that are too many or missing and
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
    """A model's weights as PYSKL names them.

    Args:
        state: The model's, see :func:`weights_of`; may have a mixer's state
            beside it, which is left out.
        model: A recognizer with a backbone that PYSKL has, and its head.
        path: Where they are from, for errors.

    Returns:
        What PYSKL's ``RecognizerGCN`` loads.

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
    """Whose code the backbone follows; without variants, PYSKL's."""
    return getattr(model.backbone, 'variant', 'pyskl')


def _backbone(model: nn.Module) -> str:
    """What backbone it is, for messages."""
    backbone: Any = model.backbone
    has = hasattr(backbone, 'variant')
    suffix = f' of variant {backbone.variant!r}' if has else ''
    return type(backbone).__name__ + suffix


def _check_variant(source: Source, model: nn.Module) -> None:
    """Refuse a backbone that would use the same weights otherwise."""
    variant = getattr(model.backbone, 'variant', None)
    if variant and source.variant and variant != source.variant:
        raise ValueError(
            f'Expected a backbone that computes as {source.name} does, but '
            f'got {_backbone(model)}. In the config, set '
            f'model.backbone.variant={source.variant!r}, of mmshapmix.CTRGCN.'
        )


def read_weights(path: str | Path) -> dict[str, Any]:
    """Read a file of weights, on the CPU, without running what it may carry.

    Args:
        path: A file that torch saved, of any version: weights, alone or beside
            other things, see :func:`weights_of`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is truncated, asks for classes that no weights need,
            or has no weights. The message names the file.
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
    """Give a loaded checkpoint another state, as MMEngine's checkpoints are.

    Args:
        checkpoint: What was loaded. It is changed.
        state: Name to tensor.
        meta: Its new ``meta``.
        keep_rest: Keep what else it has, beside a state dict.
    """
    old = checkpoint.get('state_dict')
    rest = dict(checkpoint) if keep_rest and old is not None else {}
    new: Any = OrderedDict(state)
    # Versions of modules, by which torch loads those of old ones.
    new._metadata = getattr(old, '_metadata', OrderedDict())
    checkpoint.clear()
    checkpoint.update(rest, meta=dict(meta), state_dict=new)


def save_checkpoint(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Save at once or not at all; missing folders are made.

    Args:
        checkpoint: With ``state_dict`` and ``meta``.
        path: Where to; what is there is replaced.
    """
    with replaced(path) as partial:
        torch.save(dict(checkpoint), partial)
