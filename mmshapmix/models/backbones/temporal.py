"""Multi-scale temporal convolution of MS-G3D, and blocks that contain it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmaction.models.utils import unit_tcn
from mmengine.model import BaseModule
from torch import nn

# Initial weights in the released code of ST-GCN and its successors.
CONV_INIT: list[dict[str, Any]] = [
    dict(type='Constant', layer='BatchNorm2d', val=1),
    dict(type='Kaiming', layer='Conv2d', mode='fan_out'),
]
# The small batch-norm weight leaves a graph convolution, at first, with hardly
# more than its residual.
UNIT_INIT = [
    dict(CONV_INIT[0], override=dict(type='Constant', name='bn', val=1e-6)),
    CONV_INIT[1],
]


def pointwise(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a 1x1 convolution with batch norm."""
    conv = nn.Conv2d(in_channels, out_channels, 1)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def projection(in_channels: int, out_channels: int) -> nn.Module:
    """Return a graph convolution's residual: identity or :func:`pointwise`."""
    if in_channels == out_channels:
        return nn.Identity()
    return pointwise(in_channels, out_channels)


def shortcut(
    in_channels: int, out_channels: int, stride: int = 1
) -> nn.Module:
    """Return the identity if shapes allow it, else a strided convolution."""
    if in_channels == out_channels and stride == 1:
        return nn.Identity()
    return unit_tcn(in_channels, out_channels, kernel_size=1, stride=stride)


class MultiScaleTCN(BaseModule):
    """Parallel branches: dilated convolutions over time, max pooling, 1x1.

    Disentangling and Unifying Graph Convolutions (MS-G3D), arXiv 2003.14111,
    section 3.4. CTR-GCN (arXiv 2107.12213, section 3.4) and later models use
    fewer branches.

    Args:
        in_channels: C.
        out_channels: C', divided among the branches.
        kernel_size: Kernel size of the convolutions, in frames.
        stride: Stride over time; 2 halves the frames.
        dilations: Dilations of the convolutions, one branch each.
        residual: Whether to add the input.
        act: Whether to apply a ReLU after the sum.
        dropout: Probability of the dropout at the end.
        conv: Function that makes the convolution of a branch.

    Raises:
        ValueError: For an even ``kernel_size``, or fewer channels than
            branches.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        dilations: Sequence[int] = (1, 2, 3, 4),
        residual: bool = True,
        act: bool = True,
        dropout: float = 0.0,
        conv: Callable[..., nn.Module] = unit_tcn,
    ) -> None:
        super().__init__(init_cfg=CONV_INIT)
        if kernel_size % 2 == 0 or out_channels < len(dilations) + 2:
            raise ValueError(
                'Expected an odd kernel_size and a channel or more for each '
                f'of {len(dilations) + 2} branches, but got kernel_size='
                f'{kernel_size} and {out_channels} channels.'
            )
        width = out_channels // (len(dilations) + 2)
        first = out_channels - width * (len(dilations) + 1)

        def narrow(to: int, *rest: nn.Module, stride: int = 1) -> nn.Module:
            one = nn.Conv2d(in_channels, to, 1, stride=(stride, 1))
            return nn.Sequential(one, nn.BatchNorm2d(to), *rest)

        self.branches = nn.ModuleList(
            narrow(to, nn.ReLU(), conv(to, to, kernel_size, stride, dilation))
            for to, dilation in zip(
                (first, *[width] * (len(dilations) - 1)),
                dilations,
                strict=True,
            )
        )
        pool = nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0))
        self.branches.append(
            narrow(width, nn.ReLU(), pool, nn.BatchNorm2d(width))
        )
        self.branches.append(narrow(width, stride=stride))
        self.residual = (
            shortcut(in_channels, out_channels, stride) if residual else None
        )
        self.act = nn.ReLU() if act else nn.Identity()
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T / stride, V)``."""
        out = torch.cat([branch(x) for branch in self.branches], dim=1)
        if self.residual is not None:
            out = out + self.residual(x)
        return self.drop(self.act(out))


class SpaceTimeBlock(BaseModule):
    """Graph convolution, then convolution over time, with a residual.

    Args:
        gcn: Module from ``(N, C, T, V)`` to ``(N, C', T, V)``.
        tcn: Module from ``(N, C', T, V)`` to ``(N, C', T / stride, V)``.
        in_channels: C.
        out_channels: C'.
        stride: Stride of ``tcn``.
        residual: Whether to add the input.
        names: Names of the two modules in the state dict.
    """

    def __init__(
        self,
        gcn: nn.Module,
        tcn: nn.Module,
        in_channels: int,
        out_channels: int,
        stride: int,
        residual: bool,
        names: tuple[str, str] = ('gcn1', 'tcn1'),
    ) -> None:
        super().__init__()
        self.names = names
        for name, convolution in zip(names, (gcn, tcn), strict=True):
            self.add_module(name, convolution)
        self.residual = (
            shortcut(in_channels, out_channels, stride) if residual else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T / stride, V)``."""
        out = x
        for name in self.names:
            out = getattr(self, name)(out)
        if self.residual is not None:
            out = out + self.residual(x)
        return torch.relu(out)
