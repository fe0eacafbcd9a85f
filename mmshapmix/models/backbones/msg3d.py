"""MS-G3D: disentangled and unified multi-scale graph convolutions.

Liu et al., CVPR 2020, arXiv 2003.14111.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from mmaction.models.utils.graph import k_adjacency, normalize_digraph
from mmengine.model import Sequential
from torch import nn

from mmshapmix.registry import MODELS

from .base import BaseGCN
from .temporal import MultiScaleTCN


def disentangled(adjacency: np.ndarray, num_scales: int) -> np.ndarray:
    r"""Matrices of the neighbours at exactly k hops, with self-loops: Eq. (3).

    At each scale k, a joint takes the mean of these neighbours and itself.

    Args:
        adjacency: Symmetric and binary, ``(V, V)`` float.
        num_scales: K, for hops from 0 to K - 1.

    Returns:
        ``(K, V, V)``; edges lead from joints of the second-last dimension to
        joints of the last, and columns sum to 1.

    >>> path = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> disentangled(path, 3)[2].tolist()  # the ends meet
    [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]
    """
    # Paper: D^-1/2 A D^-1/2; PYSKL, its checkpoints, and here: A D^-1.
    return np.stack(
        [
            normalize_digraph(k_adjacency(adjacency, k, with_self=True))
            for k in range(num_scales)
        ]
    )


class MultiScaleGraphConv(nn.Module):
    r"""Graph convolution on disentangled neighbourhoods: Eq. (4), section 3.2.

    .. math::
        \mathrm{ReLU}\Big(\mathrm{BN}\big(
            \sum_k (A_k + P_k) X W_k\big)\Big)

    with a learned residual :math:`P` whose initial entries are within 1e-6 of
    zero.

    Args:
        in_channels: C.
        out_channels: C'.
        adjacency: Symmetric and binary, ``(V, V)`` float.
        num_scales: Number of scales, hops from 0 on.
    """

    A: torch.Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: np.ndarray,
        num_scales: int,
    ) -> None:
        super().__init__()
        scales = disentangled(adjacency, num_scales)
        self.register_buffer('A', torch.tensor(scales, dtype=torch.float32))
        self.PA = nn.Parameter(torch.empty_like(self.A).uniform_(-1e-6, 1e-6))
        layers = nn.Sequential(
            nn.Conv2d(num_scales * in_channels, out_channels, 1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )
        self.mlp = nn.Sequential(OrderedDict(layers=layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T, V)``."""
        scales = torch.einsum('kvu,nctv->nkctu', self.A + self.PA, x)
        return self.mlp(scales.flatten(1, 2))


class TemporalWindows(nn.Module):
    """Gathers the joints of all frames of each window: section 3.3.

    Args:
        size: Frames of a window, odd; the clip is padded with zeros.
        stride: Frames from one window to the next.
    """

    def __init__(self, size: int, stride: int) -> None:
        super().__init__()
        self.size, self.stride = size, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C, T / stride, size * V)``."""
        around = self.size // 2
        padded = F.pad(x, (0, 0, around, around))
        windows = padded.unfold(2, self.size, self.stride)
        return windows.transpose(3, 4).flatten(3)


class WindowedGraphConv(nn.Module):
    """MS-G3D: graph convolution across space and time: Eq. (7).

    Within a window, a joint is connected to itself and its neighbours in all
    frames (Eq. (5)); a convolution then reduces the window to one frame.

    Args:
        in_channels: C.
        hidden_channels: Channels of the graph convolution.
        out_channels: C'.
        adjacency: Symmetric and binary, ``(V, V)`` float.
        num_scales: Number of scales, hops from 0 on.
        window: Frames of a window, odd.
        stride: 2 halves the frames.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        adjacency: np.ndarray,
        num_scales: int,
        *,
        window: int,
        stride: int,
    ) -> None:
        super().__init__()
        self.window = window
        tiled = np.tile(adjacency + np.eye(len(adjacency)), (window, window))
        self.gcn3d = nn.Sequential(
            TemporalWindows(window, stride),
            MultiScaleGraphConv(
                in_channels, hidden_channels, tiled, num_scales
            ),
        )
        self.out_conv = nn.Conv3d(
            hidden_channels, out_channels, (1, window, 1)
        )
        self.out_bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T / stride, V)``."""
        windows = self.gcn3d(x).unflatten(3, (self.window, -1))
        return self.out_bn(self.out_conv(windows).squeeze(3))


class MultiWindowGraphConv(nn.Module):
    """Sum of :class:`WindowedGraphConv` over windows of several sizes.

    Args:
        windows: Frames of each window, odd.
        *args: Arguments of :class:`WindowedGraphConv`.
        **kwargs: Keyword arguments of :class:`WindowedGraphConv`.
    """

    def __init__(
        self, windows: Sequence[int], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__()
        self.gcn3d = nn.ModuleList(
            WindowedGraphConv(*args, window=window, **kwargs)
            for window in windows
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T / stride, V)``."""
        return sum(branch(x) for branch in self.gcn3d)


@MODELS.register_module()
class MSG3D(BaseGCN):
    """MS-G3D (arXiv 2003.14111).

    Three blocks (section 3.4), each the sum of a factorised pathway (space,
    then time) and a G3D pathway, followed by a convolution over time. The
    second and the third block double the channels and halve the frames.

    Args:
        graph_cfg: ``layout`` of :class:`LayoutGraph`; its mode is
            ``'binary_adj'``.
        in_channels: C, channels of the data.
        base_channels: Channels of the first block; the last block has four
            times as many.
        num_gcn_scales: Number of scales of the factorised pathway, hops from 0
            on.
        num_g3d_scales: Number of scales of the G3D pathway.
        tcn_dropout: Dropout at the end of each block.
        **kwargs: ``data_bn_type``, ``num_person`` and ``init_cfg`` of
            :class:`BaseGCN`.

    Raises:
        ValueError: For any other mode of the graph.
    """

    GRAPH: ClassVar = dict(mode='binary_adj')
    WINDOWS = (3, 5)

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 96,
        num_gcn_scales: int = 13,
        num_g3d_scales: int = 6,
        tcn_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(graph_cfg, in_channels, **kwargs)
        if self.graph.mode != 'binary_adj':
            raise ValueError(
                "Expected mode='binary_adj' in graph_cfg of MSG3D, but got "
                f'{self.graph.mode!r}. MSG3D itself separates the hops.'
            )
        # Not used, but PYSKL's checkpoints contain this buffer.
        self.register_buffer('A', self.adjacency()[0])
        c, scales = base_channels, (num_gcn_scales, num_g3d_scales)
        self._add_block(1, in_channels, c, c, 1, scales, tcn_dropout)
        self._add_block(2, c, c, 2 * c, 2, scales, tcn_dropout)
        self._add_block(3, 2 * c, 2 * c, 4 * c, 2, scales, tcn_dropout)

    def _add_block(
        self,
        number: int,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        stride: int,
        scales: tuple[int, int],
        dropout: float,
    ) -> None:
        """Add both pathways and the last convolution of a block."""
        (graph,) = self.graph.A
        gcn_scales, g3d_scales = scales
        gcn3d = MultiWindowGraphConv(
            self.WINDOWS,
            in_channels,
            hidden_channels,
            out_channels,
            graph,
            g3d_scales,
            stride=stride,
        )
        sgcn = Sequential(
            MultiScaleGraphConv(
                in_channels, hidden_channels, graph, gcn_scales
            ),
            MultiScaleTCN(hidden_channels, out_channels, stride=stride),
            MultiScaleTCN(out_channels, out_channels, act=False),
        )
        tcn = MultiScaleTCN(out_channels, out_channels, dropout=dropout)
        self.add_module(f'gcn3d{number}', gcn3d)
        self.add_module(f'sgcn{number}', sgcn)
        self.add_module(f'tcn{number}', tcn)

    def extract(self, x: torch.Tensor) -> torch.Tensor:
        """Extract features ``(N * M, C', T', V)`` of ``(N * M, C, T, V)``."""
        x = self.tcn1(torch.relu(self.sgcn1(x) + self.gcn3d1(x)))
        x = self.tcn2(torch.relu(self.sgcn2(x) + self.gcn3d2(x)))
        return self.tcn3(torch.relu(self.sgcn3(x) + self.gcn3d3(x)))
