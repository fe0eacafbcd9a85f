r"""Names that published codebases give to their weights.

Known are PYSKL (arXiv 2205.09443) and codebases written in it, such as BRL;
InfoGCN (CVPR 2022); HD-GCN (arXiv 2208.10741); and CTR-GCN (arXiv 2107.12213)
with codebases built on it, such as Shap-Mix. The convolution of CTR-GCN is

.. math::
    y_u = \sum_v \big(A_{uv} + \alpha \, \xi(\tanh(\psi(x_u) - \phi(x_v)))\big)
    \, x_v

where ours sums over the first index: :math:`A` is transposed, :math:`\psi` and
:math:`\phi` are exchanged and, tanh being odd, the weight of :math:`\xi` is
negated.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from .fit import State

Renames = Sequence[tuple[str, str | Callable[[re.Match], str]]]


def _without_aliases(state: State) -> State:
    """Replace HD-GCN's alias ``conv_d`` by the last of ``conv``.

    HD-GCN saves that module under both names, and loads ``conv_d`` last.
    """
    last: dict[str, int] = {}
    for name in state:
        if found := re.match(r'(.+\.gcn1\.conv)\.(\d+)\.', name):
            last[found[1]] = max(int(found[2]), last.get(found[1], 0))
    alias = re.compile(r'(.+\.gcn1\.conv)_d\.')

    def own(name: str) -> str:
        return alias.sub(lambda m: f'{m[1]}.{last.get(m[1], 0)}.', name)

    kept = {n: value for n, value in state.items() if not alias.match(n)}
    return kept | {own(n): v for n, v in state.items() if alias.match(n)}


@dataclass(frozen=True)
class Source:
    """A codebase: how it names its weights, and how it computes with them.

    Attributes:
        name: Name of the codebase, for messages.
        signs: Names that its states have, and that no state of another
            codebase has all of.
        renames: Patterns and their replacements, which are applied in turn to
            each name.
        changes: Patterns of new names, and functions from a tensor of such a
            name to the new tensor, given the model's own tensor or None.
        variant: The ``variant`` that the backbone must have; None for any.
        prepare: Function from a state to a new one, which is applied first.
    """

    name: str
    signs: tuple[str, ...]
    renames: Renames
    changes: Sequence[
        tuple[str, Callable[[Tensor, Tensor | None], Tensor]]
    ] = ()
    variant: str | None = None
    prepare: Callable[[State], State] = dict


def _numbered(match: re.Match) -> str:
    """Count the blocks from 0: ``l1.`` is the first block."""
    return f'net.{int(match[1]) - 1}.'


def _other(match: re.Match) -> str:
    """Exchange ``conv1.`` and ``conv2.``."""
    return f'{match[1]}{3 - int(match[2])}.'


ADDED = '.add_coeff'
ADDED_JOINTS = 25
"""Number of coefficients of PYSKL's DG-STGCN, whatever the layout."""


def _of_joints(added: Tensor, own: Tensor | None) -> Tensor:
    """Keep the coefficients that PYSKL uses: those of the model's V joints."""
    if own is None or added.shape != (ADDED_JOINTS,):
        return added
    return added[: len(own)].clone()


def for_pyskl(name: str, value: Tensor) -> Tensor:
    """Convert a tensor for PYSKL: its DG-STGCN has coefficients of 25 joints.

    Coefficients of joints that the layout does not have are 0, PYSKL's initial
    value; they are not used.

    Raises:
        ValueError: If the layout has more joints.
    """
    if not name.endswith(ADDED):
        return value
    if len(value) > ADDED_JOINTS:
        raise ValueError(
            f"Expected at most {ADDED_JOINTS} joints, as PYSKL's DG-STGCN has "
            f'coefficients, but got {len(value)}. PYSKL cannot load it.'
        )
    return F.pad(value, (0, ADDED_JOINTS - len(value)))


BACKBONE = (r'^(?!cls_head\.)', 'backbone.')
"""Rule that puts all names outside of the head into the backbone."""

SOURCES = (
    Source(
        'PYSKL',
        signs=('cls_head.fc_cls.weight', 'backbone.data_bn.weight'),
        renames=[(r'^cls_head\.fc_cls\.', 'cls_head.fc.')],
        changes=[(rf'{re.escape(ADDED)}$', _of_joints)],
        variant='pyskl',
    ),
    Source(
        'CTR-GCN',
        signs=('l1.gcn1.convs.0.conv1.weight',),
        renames=[
            (r'^l(\d+)\.', _numbered),
            (r'^fc\.', 'cls_head.fc.'),
            BACKBONE,
            (r'\.gcn1\.PA$', '.gcn1.A'),
            (r'(\.gcn1\.convs\.\d+\.conv)([12])\.', _other),
        ],
        changes=[
            (r'\.gcn1\.A$', lambda a, _: a.transpose(-2, -1).contiguous()),
            (r'\.gcn1\.convs\.\d+\.conv4\.weight$', lambda w, _: -w),
        ],
        variant='ctrgcn',
    ),
    Source(
        'InfoGCN',
        signs=('l1.agcn.shared_topology',),
        renames=[
            (r'^decoder\.', 'cls_head.fc.'),
            (r'^fc\.', 'cls_head.fc_latent.'),
            (r'^fc_', 'cls_head.fc_'),
            BACKBONE,
        ],
    ),
    Source(
        'HD-GCN',
        signs=('l1.gcn1.conv_down.0.0.weight',),
        renames=[(r'^fc\.', 'cls_head.fc.'), BACKBONE],
        prepare=_without_aliases,
    ),
)
"""The codebases whose checkpoints can be converted."""


def source_of(state: Mapping[str, Any]) -> Source | None:
    """Find the codebase that weights are from, by their names.

    Args:
        state: See :func:`~.checkpoints.weights_of`.

    Returns:
        The codebase; None if it is none of :data:`SOURCES`.
    """
    return next(
        (s for s in SOURCES if all(sign in state for sign in s.signs)), None
    )


def renamed(state: Mapping[str, Any], renames: Renames) -> dict[str, Any]:
    """Give tensors other names.

    Args:
        state: Name to tensor.
        renames: See :class:`Source`.

    Raises:
        ValueError: If two tensors would get the same name.
    """
    result = {}
    for old, value in state.items():
        name = str(old)
        for pattern, replacement in renames:
            name = re.sub(pattern, replacement, name)
        if name in result:
            raise ValueError(
                f'Expected one tensor for {name!r}, but the checkpoint has '
                f'several, the last of them {old!r}. Save it again with one.'
            )
        result[name] = value
    return result
