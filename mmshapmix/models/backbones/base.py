"""What the backbones share: graph, batch norm of the data, plan of stages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import nn

from .graph import LayoutGraph


class Stage(NamedTuple):
    """One block of a backbone."""

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
    """Widths and strides of ST-GCN (arXiv 1801.07455) and its descendants.

    Args:
        in_channels: Channels of the data.
        base_channels: Channels of the first stage.
        num_stages: How many, the first included.
        inflate_stages: Stages, from 1, which widen the channels.
        down_stages: Stages, from 1, which halve the frames.
        ch_ratio: By how much they widen them.

    Returns:
        The stages. The first, from data to features, has no residual.

    >>> plan_stages(3, 64, 3, inflate_stages=[3], down_stages=[3])[1:]
    ... # doctest: +NORMALIZE_WHITESPACE
    [Stage(in_channels=64, out_channels=64, stride=1, residual=True),
     Stage(in_channels=64, out_channels=128, stride=2, residual=True)]
    """
    stages = [Stage(in_channels, base_channels, 1, residual=False)]
    width = base_channels
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


class DataNorm(nn.BatchNorm1d):
    """Batch norm of each coordinate of each joint (and person) over time.

    Args:
        num_joints: V.
        channels: C.
        kind: ``'MVC'``, statistics of each person, or ``'VC'``, the same for
            all persons.
        num_person: M, with ``'MVC'``.

    Raises:
        ValueError: For another kind.
    """

    def __init__(
        self, num_joints: int, channels: int, kind: str, num_person: int
    ) -> None:
        if kind not in ('MVC', 'VC'):
            raise ValueError(
                f"Expected data_bn_type of 'MVC' or 'VC', but got {kind!r}."
            )
        self.persons = num_person if kind == 'MVC' else 1
        super().__init__(self.persons * num_joints * channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise ``(N, M, T, V, C)``.

        Returns:
            ``(N * M, C, T, V)``.

        Raises:
            ValueError: If M is not ``num_person``, with ``'MVC'``.
        """
        n, m, t, v, c = x.shape
        if self.persons not in (1, m) or self.num_features % (v * c):
            raise ValueError(
                f'Expected {self.num_features} channels of the data, of '
                f'{self.persons} person(s), but got {m} person(s) of {v} '
                f'joints with {c} channels. Set num_person of the backbone '
                "and of FormatGCNInput alike, or data_bn_type='VC'."
            )
        x = x.permute(0, 1, 3, 4, 2)
        x = super().forward(x.reshape(-1, self.num_features, t))
        return x.view(n * m, v, c, t).permute(0, 2, 3, 1).contiguous()


class BaseGCN(BaseModule):
    """A backbone on skeletons.

    A subclass builds its stages and gives :meth:`extract`.

    Args:
        graph_cfg: Arguments of :class:`LayoutGraph`.
        in_channels: C, channels of the data.
        data_bn_type: ``'MVC'``, batch-norm statistics of each person's data,
            or ``'VC'``, the same for all persons.
        num_person: M, with ``'MVC'``.
        bn_channels: Channels that the batch norm sees; default: C.
        init_cfg: MMEngine's.
    """

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
        self.graph = LayoutGraph(**graph_cfg)
        self.data_bn = DataNorm(
            self.graph.num_node,
            bn_channels or in_channels,
            data_bn_type,
            num_person,
        )

    def adjacency(self) -> torch.Tensor:
        """A new copy of the graph's matrices, ``(subsets, V, V)`` float32."""
        return torch.tensor(self.graph.A, dtype=torch.float32)

    def extract(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``(N * M, C', T', V)`` of data ``(N * M, C, T, V)``."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of skeletons.

        Args:
            x: ``(N, M, T, V, C)``.

        Returns:
            ``(N, M, C', T', V)``.
        """
        features = self.extract(self.data_bn(x))
        return features.view(*x.shape[:2], *features.shape[1:])


class NumberedGCN(BaseGCN):
    """A backbone whose stages are ``l1``, ``l2``, …, as its authors say."""

    def add_stages(self, stages: Iterable[nn.Module]) -> None:
        """Take the stages, in their order."""
        self.stage_names = []
        for i, stage in enumerate(stages, 1):
            self.stage_names.append(f'l{i}')
            self.add_module(f'l{i}', stage)

    def extract(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``(N * M, C', T', V)`` of data ``(N * M, C, T, V)``."""
        for name in self.stage_names:
            x = getattr(self, name)(x)
        return x
