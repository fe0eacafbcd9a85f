r"""Published checkpoints, for MMAction2's models, and back to PYSKL's.

:mod:`.sources` says how each codebase names its weights. A checkpoint is
converted for a model, and only as a whole: of the model's state, every
parameter and every running mean and variance must be there, in its shape, and
nothing else may be. Other buffers (graphs, counters of batches) may be absent:
they are the model's own.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..files import replaced
from ..unpickling import load_tensors
from .sources import SOURCES, Source, State, renamed, source_of

HEAD = 'cls_head.'
PARTS = ('backbone.', HEAD)
CLASSIFIER = 'cls_head.fc.weight'
STATISTICS = ('.running_mean', '.running_var')
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


def plain_meta(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """What a loaded file says in ``meta``, as far as it is plain data.

    But for the text of its config, which is of another framework.
    """
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    return {k: v for k, v in meta.items() if k != 'config' and _is_plain(v)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def convert_state_dict(
    state: Mapping[str, Tensor], model: nn.Module, without_head: bool = False
) -> State:
    """Published weights as a model of MMAction2 names and uses them.

    Args:
        state: See :func:`weights_of`; of one of :data:`~.sources.SOURCES`.
        model: A recognizer with ``backbone`` and ``cls_head``, as the weights
            were trained with. It is not changed.
        without_head: Leave the head out, to train it for other classes.

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
            f'their descendants, but got others: {_some([*state])}. Those of '
            "MMAction2's own models need no conversion."
        )
    converted = renamed(source.prepare(dict(state)), source.renames)
    for pattern, change in source.changes:
        for name in filter(re.compile(pattern).search, converted):
            converted[name] = change(converted[name])
    own = model.state_dict()
    if without_head:
        own, converted = (
            {n: v for n, v in s.items() if not n.startswith(HEAD)}
            for s in (own, converted)
        )
    _check(converted, model, own)
    _check_variant(source, model)
    return {
        name: converted[name] if name in converted else value.clone()
        for name, value in own.items()
        if name in converted or name.startswith(PARTS)
    }


def to_pyskl(state: Mapping[str, Tensor], model: nn.Module) -> State:
    """A model's weights as PYSKL names them.

    Args:
        state: The model's, see :func:`weights_of`; may have a mixer's state
            beside it, which is left out.
        model: A recognizer with a backbone that PYSKL has, and its head.

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
        if not name.startswith('data_preprocessor.')
    }
    _check(kept, model, model.state_dict())
    head = {name for name in kept if name.startswith(HEAD)}
    if head != LINEAR_HEAD:
        raise ValueError(
            f"Expected a head of {sorted(LINEAR_HEAD)}, as PYSKL's, but got "
            f'{type(model.cls_head).__name__} with {sorted(head)}.'
        )
    return renamed(kept, [(r'^cls_head\.fc\.', 'cls_head.fc_cls.')])


def _variant(model: nn.Module) -> str:
    """Whose code the backbone follows; without variants, PYSKL's."""
    return getattr(model.backbone, 'variant', 'pyskl')


def _backbone(model: nn.Module) -> str:
    """What backbone it is, for messages."""
    backbone = model.backbone
    has = hasattr(backbone, 'variant')
    suffix = f' of variant {backbone.variant!r}' if has else ''
    return type(backbone).__name__ + suffix


def _check_variant(source: Source, model: nn.Module) -> None:
    """Refuse a backbone that would use the same weights otherwise."""
    if source.variant not in (None, _variant(model)):
        raise ValueError(
            f'Expected a backbone that computes as {source.name} does, but '
            f'got {_backbone(model)}. In the config, set '
            f'model.backbone.variant={source.variant!r}, of mmshapmix.CTRGCN.'
        )


def _check(
    state: Mapping[str, Tensor], model: nn.Module, own: Mapping[str, Tensor]
) -> None:
    """Refuse a state that is not what the model has under ``own``."""
    trained = {name for name, _ in model.named_parameters()}
    other = [n for n in own if n in state and state[n].shape != own[n].shape]
    found = {
        'unexpected': [n for n in state if n not in own],
        'missing': [
            name
            for name in own
            if (name in trained or name.endswith(STATISTICS))
            and name not in state
        ],
        'of another shape': [
            f'{n} {(*state[n].shape,)}, in the model {(*own[n].shape,)}'
            for n in other
        ],
    }
    if any(found.values()):
        listed = '; '.join(f'{k}: {_some(v)}' for k, v in found.items() if v)
        alike = not (found['unexpected'] or found['missing'])
        of_classes = alike and {*other} == LINEAR_HEAD
        raise ValueError(
            'Expected the weights of the configured model, but the checkpoint '
            f'has others. {listed}. '
            + (_other_classes(state, own) if of_classes else OTHER_MODEL)
        )


OTHER_MODEL = (
    'Take the config of the model that was trained: the same backbone with '
    'the same options, layout and number of persons, and a plain head. For '
    'another head, convert the file with that config first '
    '(tools/convert/pyskl_checkpoint.py), and load what comes out.'
)


def _other_classes(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> str:
    """What to do if the classifiers alone differ."""
    there, here = (len(s[CLASSIFIER]) for s in (state, own))
    return (
        f'It knows {there} classes, the model {here}. Set '
        f'model.cls_head.num_classes={there}, or leave out its head, to train '
        'another: --without-head, or in the config default_hooks.'
        'published_checkpoint.without_head=True.'
    )


def _some(names: Sequence[str], shown: int = 10) -> str:
    """How many, and the first of them."""
    more = ', …' if len(names) > shown else ''
    return f'{len(names)} ({", ".join(names[:shown])}{more})'


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
    state = weights_of(checkpoint) if isinstance(checkpoint, Mapping) else {}
    if not (state and all(isinstance(v, Tensor) for v in state.values())):
        raise ValueError(
            f'Expected weights, alone or under one of {STATE_KEYS}, but '
            f'{path} has none. Save the state dict of a model.'
        )
    return dict(checkpoint)


def save_checkpoint(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Save at once or not at all; missing folders are made.

    Args:
        checkpoint: With ``state_dict`` and ``meta``.
        path: Where to; what is there is replaced.
    """
    with replaced(path) as partial:
        torch.save(dict(checkpoint), partial)
