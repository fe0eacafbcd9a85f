"""CTR-GCN: channel-wise topology refinement graph convolution.

Chen et al., ICCV 2021, arXiv 2107.12213.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule, ModuleList
from torch import nn

from mmshapmix.functional.checks import check_choice
from mmshapmix.registry import MODELS

from .base import BaseGCN, plan_stages
from .temporal import UNIT_INIT, MultiScaleTCN, SpaceTimeBlock, projection


class RefinedGraphConv(nn.Module):
    r"""Graph convolution with a separate topology for each channel.

    .. math::
        Z_{jc} = \sum_i (A_{ij} + \alpha R_{ijc}) \tilde X_{ic}, \qquad
        R_{ij} = \xi\big(\tanh(\psi(x_i) - \phi(x_j))\big)

    where :math:`\psi, \phi` are applied to the mean of the data over time.

    Args:
        in_channels: C.
        out_channels: C'.
        reduction: Divisor of C for the channels of the correlations.
    """

    def __init__(
        self, in_channels: int, out_channels: int, reduction: int = 8
    ) -> None:
        super().__init__()
        # The few channels of the first stage are not reduced.
        relation = 8 if in_channels <= 16 else in_channels // reduction
        self.conv1 = nn.Conv2d(in_channels, relation, 1)
        self.conv2 = nn.Conv2d(in_channels, relation, 1)
        self.conv3 = nn.Conv2d(in_channels, out_channels, 1)
        self.conv4 = nn.Conv2d(relation, out_channels, 1)

    def forward(
        self, x: torch.Tensor, adjacency: torch.Tensor, alpha: torch.Tensor
    ) -> torch.Tensor:
        """Convolve features over the refined graph.

        Args:
            x: ``(N, C, T, V)``.
            adjacency: ``(V, V)``.
            alpha: ``(1,)``, weight of the refinement.

        Returns:
            ``(N, C', T, V)``.
        """
        # Pooling before the 1x1 convolutions gives the same and costs less.
        pooled = x.mean(2, keepdim=True)
        ours, theirs = self.conv1(pooled), self.conv2(pooled)  # (N, R, 1, V)
        correlation = torch.tanh(ours.transpose(2, 3) - theirs)
        topology = adjacency + alpha * self.conv4(correlation)
        return torch.einsum('ncij,ncti->nctj', topology, self.conv3(x))


class RefinedGraphUnit(BaseModule):
    """Sum of one refined convolution per graph matrix, with a residual."""

    def __init__(
        self, in_channels: int, out_channels: int, adjacency: torch.Tensor
    ) -> None:
        super().__init__(init_cfg=UNIT_INIT)
        self.convs = nn.ModuleList(
            RefinedGraphConv(in_channels, out_channels) for _ in adjacency
        )
        self.A = nn.Parameter(adjacency)
        self.alpha = nn.Parameter(torch.zeros(1))
        self.down = projection(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T, V)``."""
        out = sum(
            conv(x, matrix, self.alpha)
            for conv, matrix in zip(self.convs, self.A, strict=True)
        )
        return torch.relu(self.bn(out) + self.down(x))


@MODELS.register_module()
class CTRGCN(BaseGCN):
    """CTR-GCN (arXiv 2107.12213), the backbone of Shap-Mix.

    Args:
        graph_cfg: ``layout`` and ``mode`` of :class:`LayoutGraph`.
        in_channels: C, channels of the data.
        base_channels: Channels of the first stage.
        num_stages: Number of stages, the first included.
        inflate_stages: Stages, from 1, which double the channels.
        down_stages: Stages, from 1, which halve the frames.
        kernel_size: Kernel size of the temporal convolutions, in frames.
        dilations: Dilations of the temporal convolutions.
        tcn_dropout: Dropout after the temporal convolution.
        variant: The code to follow where two releases differ. ``'pyskl'`` has
            a ReLU after the branches of the temporal convolution.
            ``'ctrgcn'``, the authors' code, which Shap-Mix uses, has none, and
            its initial graph is transposed: a joint takes the sum of its
            outer neighbours, not their mean. Weights of one variant do not
            fit the other.
        **kwargs: ``data_bn_type``, ``num_person`` and ``init_cfg`` of
            :class:`BaseGCN`.

    Raises:
        ValueError: For any other variant.
    """

    VARIANTS = ('pyskl', 'ctrgcn')

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: int = 10,
        inflate_stages: Sequence[int] = (5, 8),
        down_stages: Sequence[int] = (5, 8),
        kernel_size: int = 5,
        dilations: Sequence[int] = (1, 2),
        tcn_dropout: float = 0.0,
        variant: str = 'pyskl',
        **kwargs: Any,
    ) -> None:
        super().__init__(graph_cfg, in_channels, **kwargs)
        check_choice('variant', variant, self.VARIANTS)
        self.variant = variant
        adjacency = self.adjacency()
        # Not used, but PYSKL's checkpoints contain this buffer.
        self.register_buffer('A', adjacency)
        if variant == 'ctrgcn':
            adjacency = adjacency.transpose(1, 2).contiguous()
        stages = plan_stages(
            in_channels, base_channels, num_stages, inflate_stages, down_stages
        )
        self.net = ModuleList(
            SpaceTimeBlock(
                RefinedGraphUnit(
                    stage.in_channels, stage.out_channels, adjacency.clone()
                ),
                MultiScaleTCN(
                    stage.out_channels,
                    stage.out_channels,
                    kernel_size,
                    stage.stride,
                    dilations,
                    residual=False,
                    act=variant == 'pyskl',
                    dropout=tcn_dropout,
                ),
                *stage,
            )
            for stage in stages
        )

    def blocks(self) -> Iterable[nn.Module]:
        """Stages of the backbone, in order."""
        return self.net
