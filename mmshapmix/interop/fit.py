"""Check that weights fit a model, with advice on what to do if they do not.

Weights fit if they hold every parameter and every running mean and variance of
the model, finite and in the same shape, and nothing that the model does not
have. Other buffers of the model (graphs, counters of batches) may be absent,
since the model makes them itself.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from ..io.unpickling import brief

State = dict[str, Tensor]

HEAD = 'cls_head.'
CLASSIFIER = f'{HEAD}fc.weight'
MIXER = 'data_preprocessor.blending.'
"""Prefix of a mixer's state in the state of a recognizer."""

TRAINING_ONLY = (MIXER, f'{HEAD}loss_cls.')
"""Prefixes of state that no prediction uses: that of a mixer, of a loss."""
STATISTICS = ('.running_mean', '.running_var')

UNEXPECTED = 'unexpected'
MISSING = 'missing'
SHAPE = 'of another shape'
BROKEN = 'not usable'


@dataclass(frozen=True)
class Misfit:
    """Differences between some weights and the state of a model.

    Attributes:
        found: Kind of difference → name → line of text on that name.
    """

    found: Mapping[str, Mapping[str, str]]

    def __bool__(self) -> bool:
        return any(self.found.values())

    def __str__(self) -> str:
        return '; '.join(
            f'{kind}: {some([*rows.values()])}'
            for kind, rows in self.found.items()
            if rows
        )

    def names(self, *kinds: str) -> set[str]:
        """Names that differ in one of some kinds, or in any by default."""
        rows = (self.found[kind] for kind in kinds or self.found)
        return {name for row in rows for name in row}

    def without(self, *prefixes: str) -> 'Misfit':
        """The differences outside of some parts of the model."""
        return Misfit(
            {
                kind: {
                    name: line
                    for name, line in rows.items()
                    if not name.startswith(prefixes)
                }
                for kind, rows in self.found.items()
            }
        )


def misfit(
    state: Mapping[str, Tensor], model: nn.Module, whole: bool = False
) -> Misfit:
    """Compare some weights with the state of a model.

    Args:
        state: Name to tensor, with the names of the model.
        model: The model; not changed.
        whole: Whether all of the model's state must be there, as it must be to
            go on with a training.

    Returns:
        The differences, none if the weights fit.
    """
    own = model.state_dict()
    trained = {name for name, _ in model.named_parameters()}
    both = [name for name in own if name in state]
    other = [n for n in both if not _fits(state[n], own[n])]
    broken = {
        n: reason
        for n in both
        if n not in other and (reason := _broken(state[n], own[n]))
    }
    return Misfit(
        {
            UNEXPECTED: {n: n for n in state if n not in own},
            MISSING: {
                n: n
                for n in own
                if n not in state
                and (whole or n in trained or n.endswith(STATISTICS))
            },
            SHAPE: {
                n: f'{n} {(*state[n].shape,)}, in the model {(*own[n].shape,)}'
                for n in other
            },
            BROKEN: {n: f'{n} {reason}' for n, reason in broken.items()},
        }
    )


def _fits(saved: Tensor, own: Tensor) -> bool:
    """Tell if a saved tensor can be loaded into one of the model.

    A dimension of 0 of the model's is not known yet. Such a tensor takes a
    saved one with the same known dimensions, or an empty one.
    """
    if saved.shape == own.shape:
        return True
    if own.numel() or not own.ndim:
        return False
    known = zip(saved.shape, own.shape, strict=False)
    return not saved.numel() or (
        saved.ndim == own.ndim and all(b in (0, a) for a, b in known)
    )


def _broken(saved: Tensor, own: Tensor) -> str | None:
    """The reason why a tensor of any shape is no weight; None if it is one."""
    if not own.is_floating_point():
        return None
    plain = saved.layout == own.layout and not (
        saved.is_quantized or saved.is_meta
    )
    if not plain or not saved.is_floating_point():
        return f'({saved.dtype}, {saved.layout})'
    return None if saved.float().isfinite().all() else '(NaN or infinite)'


def refuse(
    found: Misfit,
    state: Mapping[str, Tensor],
    model: nn.Module,
    path: str | Path,
    hint: str = '',
) -> None:
    """Refuse weights that do not fit.

    Args:
        found: The differences, see :func:`misfit`.
        state: The weights.
        model: The model.
        path: Path of the weights, for the message.
        hint: Text on what else could be done.

    Raises:
        ValueError: If there are differences. The message lists them, and says
            what to do.
    """
    if found:
        raise ValueError(
            f'Expected the weights of the configured model, but {path} has '
            f'others. {found}. {_advice(found, state, model)}{hint}'
        )


def _advice(
    found: Misfit, state: Mapping[str, Tensor], model: nn.Module
) -> str:
    """Advice on what to do about weights that do not fit."""
    own = model.state_dict()
    if prefix := _needless_prefix(state, own):
        return (
            f'All its names begin with {prefix!r}: save the weights of the '
            'recognizer itself, or without that.'
        )
    if not found.without(HEAD):
        if CLASSIFIER in found.names(SHAPE):
            there, here = (len(s[CLASSIFIER]) for s in (state, own))
            return (
                f'It knows {there} classes, the model {here}. Set model.'
                f'cls_head.num_classes={there}. To train another head, start '
                'from it: tools/train.py --load-from (or convert it '
                '--without-head).'
            )
        if not any(name.startswith(HEAD) for name in state):
            return (
                'It has no head. Train one first, which starts from it: '
                'tools/train.py --load-from.'
            )
    if any('NaN' in line for line in found.found[BROKEN].values()):
        return 'Its training has diverged: take an earlier one.'
    return (
        'Take the config of the model that was trained: the same backbone '
        'with the same options, layout and number of persons, and the same '
        'kind of head.'
    )


def _needless_prefix(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> str:
    """The prefix that all names of a state have before the model's names.

    It is empty if there is none, or if a name is the model's as it is.
    """
    *parts, _ = os.path.commonprefix([*state]).split('.')
    prefix = ''.join(f'{part}.' for part in parts)
    hidden = any(name.removeprefix(prefix) in own for name in state)
    return prefix if hidden and not any(name in own for name in state) else ''


def some(lines: Sequence[str], shown: int = 10) -> str:
    """Write the number of lines, and the first of them, in one line.

    Example:
        >>> some(['a', 'b'])
        '2 (a, b)'
    """
    more = ', …' if len(lines) > shown else ''
    return f'{len(lines)} ({", ".join(map(brief, lines[:shown]))}{more})'
