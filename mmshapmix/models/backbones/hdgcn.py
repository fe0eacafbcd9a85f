"""HD-GCN: hierarchically decomposed graph convolution.

Lee et al., ICCV 2023, arXiv 2208.10741.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import nn

from mmshapmix.functional.graphs import hierarchies, joint_levels
from mmshapmix.registry import MODELS

from .base import NumberedGCN, plan_stages
from .temporal import (
    UNIT_INIT,
    MultiScaleTCN,
    SpaceTimeBlock,
    pointwise,
    projection,
)


class BiasedConv(nn.Module):
    """Convolution over time, bias and batch norm, named as in HD-GCN."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            (kernel_size, 1),
            stride=(stride, 1),
            padding=(dilation * (kernel_size - 1) // 2, 0),
            dilation=(dilation, 1),
            bias=False,
        )
        self.bias = nn.Parameter(torch.zeros(1, out_channels, 1, 1))
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T / stride, V)``."""
        out = self.conv(x)
        return self.bn(out + self.bias.to(out.dtype))


class EdgeConv(nn.Module):
    r"""Convolution over the edges to the nearest neighbours in feature space.

    Wang et al., arXiv 1801.07829:

    .. math::
        z_i = \max_{j \in \mathcal N_k(i)} h\big([x_j - x_i, \, x_i]\big)

    A vertex is one of its own neighbours.

    Args:
        in_channels: C.
        out_channels: C'.
        neighbours: k, capped at the number of vertices.
    """

    def __init__(
        self, in_channels: int, out_channels: int, neighbours: int
    ) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.conv = nn.Sequential(
            nn.Conv2d(2 * in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.LeakyReLU(0.2),
        )

    def nearest(self, x: torch.Tensor) -> torch.Tensor:
        """Find the neighbours ``(N, V, k)`` of the vertices ``(N, C, V)``."""
        # In full precision, so that rounding does not decide the neighbours.
        places = x.detach().transpose(1, 2).float()
        distances = torch.cdist(
            places, places, compute_mode='donot_use_mm_for_euclid_dist'
        )
        k = min(self.neighbours, x.shape[2])
        return distances.topk(k, largest=False).indices

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, V)`` to ``(N, C', V)``."""
        nearest = self.nearest(x)
        n, v, k = nearest.shape
        ends = x.gather(2, nearest.view(n, 1, -1).expand(-1, x.shape[1], -1))
        starts = x[..., None].expand(-1, -1, -1, k)
        edges = torch.cat([ends.view_as(starts) - starts, starts], 1)
        return self.conv(edges).amax(3)


class HierarchyAttention(nn.Module):
    """Attention-guided hierarchy aggregation (A-HA) of HD-GCN.

    Args:
        channels: C.
        members: ``(L, V)`` bool, the joints of each hierarchy.
    """

    def __init__(self, channels: int, members: torch.Tensor) -> None:
        super().__init__()
        width = channels // 4
        self.conv_down = pointwise(channels, width).append(nn.ReLU())
        self.edge_conv = EdgeConv(width, width, neighbours=3)
        self.aggregate = nn.Conv1d(width, channels, 1)
        self.register_buffer(
            'members', members / members.sum(1, keepdim=True), persistent=False
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, L, T, V)`` to ``(N, C, T, V)``."""
        narrow = self.conv_down(x.amax(3))
        means = torch.einsum('nclv,lv->ncl', narrow, self.members)
        attention = self.aggregate(self.edge_conv(means)).sigmoid()
        return torch.einsum('ncltv,ncl->nctv', x, attention)


class HierarchicalGraphConv(BaseModule):
    """Graph convolution on each hierarchy, aggregated, with a residual.

    Args:
        in_channels: C.
        out_channels: C', a multiple of 4.
        adjacency: Initial matrices ``(L, 3, V, V)``, from
            :func:`~mmshapmix.functional.graphs.hierarchies`.
        attention: Whether the sum over the hierarchies is weighted by
            :class:`HierarchyAttention`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: torch.Tensor,
        attention: bool = True,
    ) -> None:
        super().__init__(init_cfg=UNIT_INIT)
        width = out_channels // 4
        self.PA = nn.Parameter(adjacency)
        self.conv_down = nn.ModuleList(
            pointwise(in_channels, width).append(nn.ReLU()) for _ in adjacency
        )
        self.conv = nn.ModuleList(
            nn.ModuleList(
                [
                    *(pointwise(width, width) for _ in subsets),
                    EdgeConv(width, width, neighbours=5),
                ]
            )
            for subsets in adjacency
        )
        self.aha = (
            HierarchyAttention(out_channels, adjacency[:, 0].bool().any(1))
            if attention
            else None
        )
        self.down = projection(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)

    def convolve(
        self,
        x: torch.Tensor,
        adjacency: torch.Tensor,
        down: nn.Module,
        convs: Any,
    ) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to one hierarchy's ``(N, C', T, V)``."""
        x = down(x)
        subsets = torch.einsum('nctj,sij->sncti', x, adjacency)
        *linear, edge = convs
        out = [conv(z) for conv, z in zip(linear, subsets, strict=True)]
        nearest = edge(x.mean(2))[:, :, None].expand_as(x)
        return torch.cat([*out, nearest], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T, V)``."""
        parts = zip(self.PA, self.conv_down, self.conv, strict=True)
        out = torch.stack([self.convolve(x, *part) for part in parts], 2)
        out = out.sum(2) if self.aha is None else self.aha(out)
        return torch.relu(self.bn(out) + self.down(x))


@MODELS.register_module()
class HDGCN(NumberedGCN):
    """HD-GCN (arXiv 2208.10741).

    Joints are grouped by their distance from a centre; each pair of adjacent
    groups, fully connected, is a hierarchy.

    Args:
        graph_cfg: ``layout`` of :class:`LayoutGraph`.
        center: The centre joint, the paper's centre of mass; ``None``: the
            layout's centre. The published models of NTU RGB+D, three of which
            are fused, use the joints 2, 21 and 1, which are 1, 20 and 0 here.
        max_hierarchies: Largest L; the last hierarchy also takes all joints
            further away.
        in_channels: C, channels of the data.
        base_channels: Channels of the first stage, a multiple of 4.
        num_stages: Number of stages, the first included.
        inflate_stages: Stages, from 1, which double the channels.
        down_stages: Stages, from 1, which halve the frames.
        kernel_size: Kernel size of the temporal convolutions, in frames.
        dilations: Dilations of the temporal convolutions.
        **kwargs: ``data_bn_type``, ``num_person`` and ``init_cfg`` of
            :class:`BaseGCN`.

    Raises:
        ValueError: If the graph does not connect a joint to the centre, there
            is no hierarchy, or 4 does not divide ``base_channels``.
    """

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        center: int | None = None,
        max_hierarchies: int = 6,
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: int = 10,
        inflate_stages: Sequence[int] = (5, 8),
        down_stages: Sequence[int] = (5, 8),
        kernel_size: int = 5,
        dilations: Sequence[int] = (1, 2),
        **kwargs: Any,
    ) -> None:
        if base_channels % 4:
            raise ValueError(
                'Expected base_channels of HDGCN as a multiple of 4, but got '
                f'{base_channels}.'
            )
        super().__init__(graph_cfg, in_channels, **kwargs)
        adjacency = self.decomposed(center, max_hierarchies)
        stages = plan_stages(
            in_channels, base_channels, num_stages, inflate_stages, down_stages
        )
        self.add_stages(
            SpaceTimeBlock(
                HierarchicalGraphConv(
                    stage.in_channels,
                    stage.out_channels,
                    adjacency.clone(),
                    attention=i > 0,
                ),
                MultiScaleTCN(
                    stage.out_channels,
                    stage.out_channels,
                    kernel_size,
                    stage.stride,
                    dilations,
                    residual=False,
                    act=False,
                    conv=BiasedConv,
                ),
                *stage,
            )
            for i, stage in enumerate(stages)
        )

    def decomposed(self, center: int | None, limit: int) -> torch.Tensor:
        """Return the hierarchies around a centre, ``(L, 3, V, V)``."""
        levels = joint_levels(
            self.graph.num_node,
            self.graph.inward,
            self.graph.center if center is None else center,
            limit + 1,
        )
        return torch.tensor(hierarchies(levels), dtype=torch.float32)
