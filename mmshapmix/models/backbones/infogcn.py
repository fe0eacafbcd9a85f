"""InfoGCN: representation learning for skeleton-based action recognition.

Chi et al., CVPR 2022, 10.1109/CVPR52688.2022.01955.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import nn

from mmshapmix.functional.graphs import ancestor_differences
from mmshapmix.registry import MODELS

from .base import NumberedGCN, Stage, plan_stages
from .graph import LayoutGraph
from .temporal import UNIT_INIT, MultiScaleTCN, SpaceTimeBlock, projection


class JointAttention(BaseModule):
    """Self-attention between the joints of each frame.

    Args:
        channels: C.
        heads: H.
        reduction: Divisor of C for the channels of a head's queries and keys.
    """

    def __init__(self, channels: int, heads: int, reduction: int = 8) -> None:
        super().__init__(init_cfg=dict(type='Normal', layer='Linear', std=1))
        self.heads = heads
        width = max(channels // reduction, 1)
        self.scale = width**-0.5
        self.to_qk = nn.Linear(channels, 2 * heads * width)
        self.ln = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, T, H, V, V)``; rows sum to 1."""
        pairs = self.to_qk(self.ln(x.permute(0, 2, 3, 1)))
        queries, keys = pairs.unflatten(3, (2, self.heads, -1)).unbind(3)
        # Scaled before the product, which could overflow in half precision.
        dots = torch.einsum('ntihd,ntjhd->nthij', self.scale * queries, keys)
        return dots.softmax(-1)


class AttentiveGraphConv(BaseModule):
    r"""Self-attention based graph convolution (SA-GC).

    .. math::
        Z = \sum_h (A_h \odot \mathrm{SA}_h(X)) \, X W_h

    Args:
        in_channels: C.
        out_channels: C'.
        topology: Initial ``(H, V, V)`` topology; learned, shared by all data.
    """

    def __init__(
        self, in_channels: int, out_channels: int, topology: torch.Tensor
    ) -> None:
        # The initialisation of the authors' code, with one branch per head.
        std = math.sqrt(2 / (in_channels * out_channels * len(topology)))
        heads = dict(type='Normal', name='conv_d', std=std)
        super().__init__(
            init_cfg=[UNIT_INIT[0], dict(UNIT_INIT[1], override=heads)]
        )
        self.shared_topology = nn.Parameter(topology)
        self.conv_d = nn.ModuleList(
            nn.Conv2d(in_channels, out_channels, 1) for _ in topology
        )
        self.down = projection(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)
        self.attn = JointAttention(in_channels, len(topology))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T, V)``."""
        topology = self.attn(x) * self.shared_topology
        heads = torch.einsum('nthij,nctj->hncti', topology, x)
        out = sum(
            conv(head) for conv, head in zip(self.conv_d, heads, strict=True)
        )
        return torch.relu(self.bn(out) + self.down(x))


def input_matrices(
    graph: LayoutGraph, center: int | None, k: int, channels: int
) -> torch.Tensor:
    """Matrices from the joints to InfoGCN's input, one for each channel.

    Args:
        graph: Graph of the layout.
        center: The joint without ancestors; ``None``: the layout's origin.
        k: Steps along the bones, see
            :func:`~mmshapmix.functional.graphs.ancestor_differences`.
        channels: C; on 2-D layouts every third channel is a score, which stays
            unchanged.

    Returns:
        ``(C, V, V)`` float32.
    """
    center = graph.origin if center is None else center
    joints = graph.num_node
    matrices = np.tile(
        ancestor_differences(joints, graph.bones, center, k), (channels, 1, 1)
    )
    if graph.dims == 2:
        matrices[2::3] = np.eye(joints)
    return torch.tensor(matrices, dtype=torch.float32)


@MODELS.register_module()
class InfoGCN(NumberedGCN):
    """InfoGCN (CVPR 2022) up to its latent code.

    :class:`~mmshapmix.models.InfoGCNHead` contains the rest of the model.

    Args:
        graph_cfg: ``layout`` of :class:`LayoutGraph`.
        k: Joints are given relative to their k-th ancestor; 1: bones. Joints
            without a k-th ancestor (all joints, if k is large) are given as
            they are. The authors fuse models of several k.
        center: The joint without ancestors; ``None``: the layout's origin, or
            its centre if it has no origin. The published models of NTU RGB+D
            use their joint 2, which is 1 here, the origin.
        num_heads: H, heads of the self-attention.
        in_channels: C, channels of the data.
        base_channels: Channels of the embedding and of the first stage.
        num_stages: Number of stages, the first included.
        inflate_stages: Stages, from 1, which double the channels.
        down_stages: Stages, from 1, which halve the frames.
        kernel_size: Kernel size of the temporal convolutions, in frames.
        dilations: Dilations of the temporal convolutions.
        **kwargs: ``data_bn_type``, ``num_person`` and ``init_cfg`` of
            :class:`BaseGCN`, whose batch norm follows the embedding here.

    Raises:
        ValueError: If ``k`` is below 1, or the bones are no tree of all
            joints.
    """

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        k: int = 1,
        center: int | None = None,
        num_heads: int = 3,
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: int = 9,
        inflate_stages: Sequence[int] = (4, 7),
        down_stages: Sequence[int] = (4, 7),
        kernel_size: int = 5,
        dilations: Sequence[int] = (1, 2),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            graph_cfg, in_channels, bn_channels=base_channels, **kwargs
        )
        joints = self.graph.num_node
        differences = input_matrices(self.graph, center, k, in_channels)
        self.register_buffer('differences', differences, persistent=False)
        self.to_joint_embedding = nn.Linear(in_channels, base_channels)
        self.pos_embedding = nn.Parameter(
            torch.randn(1, joints, base_channels)
        )
        widths = base_channels, base_channels, num_stages
        stages = plan_stages(*widths, inflate_stages, down_stages)
        self.add_stages(
            self.encoder(stage, num_heads, kernel_size, dilations)
            for stage in stages
        )

    def encoder(
        self,
        stage: Stage,
        num_heads: int,
        kernel_size: int,
        dilations: Sequence[int],
    ) -> SpaceTimeBlock:
        """Build the block of a stage."""
        topology = torch.eye(self.graph.num_node).repeat(num_heads, 1, 1)
        return SpaceTimeBlock(
            AttentiveGraphConv(
                stage.in_channels, stage.out_channels, topology
            ),
            MultiScaleTCN(
                stage.out_channels,
                stage.out_channels,
                kernel_size,
                stage.stride,
                dilations,
                residual=False,
            ),
            # The first stage has a residual, too: its input is the embedding.
            *stage._replace(residual=True),
            names=('agcn', 'tcn'),
        )

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Embed ``(N, M, T, V, C)`` data, ``(N, M, T, V, base_channels)``."""
        x = torch.einsum('cij,nmtjc->nmtic', self.differences, x)
        return self.to_joint_embedding(x) + self.pos_embedding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Extract features of skeletons.

        Args:
            x: ``(N, M, T, V, C)``.

        Returns:
            ``(N, M, C', T', V)``.
        """
        return super().forward(self.embed(x))
