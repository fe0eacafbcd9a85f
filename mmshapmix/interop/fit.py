"""Whether weights are those of a model, and what to do if they are not.

Of a model's state, every parameter and every running mean and variance must be
there, in its shape and finite, and nothing else may be. Other buffers (graphs,
counters of batches) may be absent: they are the model's own.
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
TRAINING_ONLY = ('data_preprocessor.blending.', f'{HEAD}loss_cls.')
"""What takes no part in a prediction: the state of a mixer, of a loss."""
STATISTICS = ('.running_mean', '.running_var')

UNEXPECTED = 'unexpected'
MISSING = 'missing'
SHAPE = 'of another shape'
BROKEN = 'not usable'


@dataclass(frozen=True)
class Misfit:
    """How a state differs from a model's.

    Attributes:
        found: Kind of difference to the names, and a line on each.
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
        """The names of these kinds; of all, if there are none."""
        rows = (self.found[kind] for kind in kinds or self.found)
        return {name for row in rows for name in row}

    def without(self, *prefixes: str) -> 'Misfit':
        """The differences but for those of some parts of the model."""
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
    """Compare a state with a model's.

    Args:
        state: Name to tensor, as the model names them.
        model: It is not changed.
        whole: Whether all of the model's state must be there, to go on with a
            training.
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
    """Whether the shapes are one; of what is not known yet, either is empty.

    A dimension of 0 is one that is not known yet.
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
    """Why a tensor cannot stand for a weight, whatever its shape."""
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
    """Refuse a state that does not fit.

    Args:
        found: Of :func:`misfit`.
        state: What does not fit.
        model: The model.
        path: Where the state is from, for the message.
        hint: What else could be done.

    Raises:
        ValueError: If anything was found; the message lists it, and says what
            to do.
    """
    if found:
        raise ValueError(
            f'Expected the weights of the configured model, but {path} has '
            f'others. {found}. {_advice(found, state, model)}{hint}'
        )


def _advice(
    found: Misfit, state: Mapping[str, Tensor], model: nn.Module
) -> str:
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
    """What stands before the model's names, in all names of a state."""
    *parts, _ = os.path.commonprefix([*state]).split('.')
    prefix = ''.join(f'{part}.' for part in parts)
    hidden = any(name.removeprefix(prefix) in own for name in state)
    return prefix if hidden and not any(name in own for name in state) else ''


def some(lines: Sequence[str], shown: int = 10) -> str:
    """How many, and the first of them, in one line.

    Example:
        >>> some(['a', 'b'])
        '2 (a, b)'
    """
    more = ', …' if len(lines) > shown else ''
    return f'{len(lines)} ({", ".join(map(brief, lines[:shown]))}{more})'
