"""Base classes of the backbones: graph, data batch norm, plan of stages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import nn

from mmshapmix.functional.checks import check_choice

from .graph import LayoutGraph


class Stage(NamedTuple):
    """Shape of one block of a backbone."""

    in_channels: int
    out_channels: int
    stride: int
    residual: bool


def plan_stages(
    in_channels: int,
    base_channels: int = 64,
    num_stages: int = 10,
    inflate_stages: Sequence[int] = (5, 8),
    down_stages: Sequence[int] = (5, 8),
    ch_ratio: float = 2,
) -> list[Stage]:
    """Plan the stages of ST-GCN (arXiv 1801.07455) or one of its successors.

    Args:
        in_channels: Channels of the data.
        base_channels: Channels of the first stage.
        num_stages: Number of stages, the first included.
        inflate_stages: Stages, from 1, which widen the channels.
        down_stages: Stages, from 1, which halve the frames.
        ch_ratio: Factor by which ``inflate_stages`` widen the channels.

    Returns:
        The stages. The first stage, from data to features, has no residual.

    >>> plan_stages(3, 64, 3, inflate_stages=[3], down_stages=[3])[1:]
    ... # doctest: +NORMALIZE_WHITESPACE
    [Stage(in_channels=64, out_channels=64, stride=1, residual=True),
     Stage(in_channels=64, out_channels=128, stride=2, residual=True)]
    """
    stages = [Stage(in_channels, base_channels, 1, residual=False)]
    width: float = base_channels
    for stage in range(2, num_stages + 1):
        width *= ch_ratio if stage in inflate_stages else 1
        stages.append(
            Stage(
                stages[-1].out_channels,
                int(width + 1e-4),  # as MMAction2 rounds
                1 + (stage in down_stages),
                residual=True,
            )
        )
    return stages


class BaseGCN(BaseModule):
    """Base of the backbones on skeletons.

    A subclass builds its blocks and implements :meth:`blocks` or
    :meth:`extract`.

    Args:
        graph_cfg: Arguments of :class:`LayoutGraph`; defaults are those in
            ``GRAPH`` of the class.
        in_channels: C, channels of the data.
        data_bn_type: ``'MVC'``, separate batch-norm statistics of each person,
            or ``'VC'``, shared by all persons.
        num_person: M, used with ``'MVC'``.
        bn_channels: Channels of the batch norm's input; default: C.
        init_cfg: Initialisation of the weights, see MMEngine.

    Raises:
        ValueError: For any other ``data_bn_type``, or a ``graph_cfg`` that
            :class:`LayoutGraph` refuses.
    """

    GRAPH: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        data_bn_type: str = 'MVC',
        num_person: int = 2,
        bn_channels: int | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        check_choice('data_bn_type', data_bn_type, ('MVC', 'VC'))
        self.graph = LayoutGraph(**{**self.GRAPH, **graph_cfg})
        self.persons = num_person if data_bn_type == 'MVC' else 1
        self.data_bn = nn.BatchNorm1d(
            self.persons * self.graph.num_node * (bn_channels or in_channels)
        )

    def adjacency(self) -> torch.Tensor:
        """Copy of the graph's matrices, ``(subsets, V, V)`` float32."""
        return torch.tensor(self.graph.A, dtype=torch.float32)

    def normalize(self, x: torch.Tensor) -> torch.Tensor:
        """Apply batch norm to each channel of each joint (and person).

        Args:
            x: ``(N, M, T, V, C)``.

        Returns:
            ``(N * M, C, T, V)``.

        Raises:
            ValueError: If the data have other numbers of persons, joints or
                channels.
        """
        n, m, t, v, c = x.shape
        channels = self.data_bn.num_features
        if self.persons not in (1, m) or self.persons * v * c != channels:
            raise ValueError(
                f'Expected {channels} numbers a frame, of {self.persons} '
                f'person(s) with {self.graph.num_node} joints, but got {m} '
                f'person(s) with {v} joints of {c} channels. Set num_person '
                'of the backbone and of FormatGCNInput alike, or '
                "data_bn_type='VC', and the layout of the data."
            )
        x = x.permute(0, 1, 3, 4, 2).reshape(-1, channels, t)
        x = self.data_bn(x).view(n * m, v, c, t)
        return x.permute(0, 2, 3, 1).contiguous()

    def blocks(self) -> Iterable[nn.Module]:
        """Blocks of the backbone, in order."""
        raise NotImplementedError

    def extract(self, x: torch.Tensor) -> torch.Tensor:
        """Extract features ``(N * M, C', T', V)`` of ``(N * M, C, T, V)``."""
        for block in self.blocks():
            x = block(x)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Extract features of skeletons.

        Args:
            x: ``(N, M, T, V, C)``.

        Returns:
            ``(N, M, C', T', V)``.
        """
        features = self.extract(self.normalize(x))
        return features.view(*x.shape[:2], *features.shape[1:])


class NumberedGCN(BaseGCN):
    """A backbone with stages ``l1``, ``l2``, …, as in its authors' code."""

    def add_stages(self, stages: Iterable[nn.Module]) -> None:
        """Add the stages, in order."""
        self.stage_names = []
        for i, stage in enumerate(stages, 1):
            self.stage_names.append(f'l{i}')
            self.add_module(f'l{i}', stage)

    def blocks(self) -> Iterable[nn.Module]:
        """Stages of the backbone, in order."""
        return [getattr(self, name) for name in self.stage_names]
