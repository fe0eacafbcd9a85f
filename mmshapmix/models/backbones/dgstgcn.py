"""DG-STGCN: dynamic groups of joints in space and in time.

Duan et al., arXiv 2210.05895.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmaction.models.utils import mstcn
from mmengine.model import ModuleList
from torch import nn

from mmshapmix.functional.checks import check_choice
from mmshapmix.registry import MODELS

from .base import BaseGCN, plan_stages
from .temporal import SpaceTimeBlock, pointwise, projection

BRANCHES = ((3, 1), (3, 2), (3, 3), (3, 4), ('max', 3), '1x1')


class DynamicGroupGCN(nn.Module):
    r"""DG-GCN: a graph convolution with a topology for each channel group.

    .. math::
        A_{gij} + \alpha \tanh(\psi(x_i) - \phi(x_j))_{gc} +
        \beta \operatorname{softmax}_i \langle \psi(x_i), \phi(x_j) \rangle_g

    is the weight from joint i to joint j in channel c of group g. :math:`A` is
    learned; the second term differs between the channels of a group, the third
    does not.

    Args:
        in_channels: C.
        out_channels: C'.
        adjacency: Initial value of A, ``(G, V, V)``.
        ratio: Channels of a group, as a share of C'.
        ctr: Input of the second term: ``'T'``, the mean of the data over time,
            or ``'NA'``, each frame, which has its own topology then.
        ada: Input of the third term: ``'T'`` or ``'NA'``.

    Raises:
        ValueError: For any other ``ctr`` or ``ada``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: torch.Tensor,
        ratio: float = 0.125,
        ctr: str = 'T',
        ada: str = 'T',
    ) -> None:
        super().__init__()
        for name, value in (('gcn_ctr', ctr), ('gcn_ada', ada)):
            check_choice(name, value, ('T', 'NA'))
        self.ctr, self.ada = ctr, ada
        self.pools = sorted({ctr, ada})
        width = int(ratio * out_channels) * len(adjacency)
        self.A = nn.Parameter(adjacency)
        # As in the released code, all groups use only the first entry.
        self.alpha = nn.Parameter(torch.zeros(len(adjacency)))
        self.beta = nn.Parameter(torch.zeros(len(adjacency)))
        self.pre = pointwise(in_channels, width).append(nn.ReLU())
        self.post = nn.Conv2d(width, out_channels, 1)
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.conv2 = nn.Conv2d(in_channels, width, 1)
        self.down = projection(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)

    def grouped(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, G * C, T, V)`` to ``(N, G, C, T, V)``."""
        return x.unflatten(1, (len(self.A), -1))

    def topology(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the weights of the edges.

        Args:
            x: ``(N, C, T, V)``.

        Returns:
            ``(N, G, C'', 1 or T, V, V)``; edges lead from joints of the
            second-last dimension to joints of the last.
        """
        data = dict(T=x.mean(2, keepdim=True), NA=x)
        ours = {k: self.grouped(self.conv1(data[k])) for k in self.pools}
        theirs = {k: self.grouped(self.conv2(data[k])) for k in self.pools}
        ctr = ours[self.ctr].unsqueeze(-1) - theirs[self.ctr].unsqueeze(-2)
        ada = torch.einsum(
            'ngctv,ngctw->ngtvw', ours[self.ada], theirs[self.ada]
        )
        return (
            self.A[:, None, None]
            + self.alpha[0] * torch.tanh(ctr)
            + self.beta[0] * ada.softmax(-2).unsqueeze(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T, V)``."""
        out = torch.einsum(
            'ngctv,ngctvw->ngctw', self.grouped(self.pre(x)), self.topology(x)
        )
        out = self.bn(self.post(out.flatten(1, 2)))
        return torch.relu(out + self.down(x))


class DynamicGroupTCN(mstcn):
    """DG-TCN: multi-scale convolution of joints and of their mean.

    The features of the mean are added to each joint's, times a learned factor
    of the joint.

    Args:
        num_joints: V.
        *args: Arguments of MMAction2's ``mstcn``, which ST-GCN++ uses.
        ms_cfg: Branches of ``mstcn``; see ``tcn_ms_cfg`` of :class:`DGSTGCN`.
        **kwargs: Keyword arguments of ``mstcn``.
    """

    def __init__(
        self,
        num_joints: int,
        *args: Any,
        ms_cfg: Sequence[Sequence | str] = BRANCHES,
        **kwargs: Any,
    ) -> None:
        # A config from JSON has lists, but mstcn accepts only tuples.
        branches = [one if one == '1x1' else tuple(one) for one in ms_cfg]
        super().__init__(*args, ms_cfg=branches, **kwargs)
        self.add_coeff = nn.Parameter(torch.zeros(num_joints))

    def inner_forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(N, C, T, V)`` to ``(N, C', T / stride, V)``."""
        x = torch.cat([x, x.mean(-1, keepdim=True)], dim=-1)
        out = torch.cat([branch(x) for branch in self.branches], dim=1)
        joints, mean = out[..., :-1], out[..., -1:]
        return self.transform(joints + mean * self.add_coeff)


@MODELS.register_module()
class DGSTGCN(BaseGCN):
    """DG-STGCN (arXiv 2210.05895).

    Args:
        graph_cfg: ``layout`` of :class:`LayoutGraph`. By default the topology
            starts from ``mode='random'``, with ``num_filter=8`` groups; other
            modes start from the skeleton.
        in_channels: C, channels of the data.
        base_channels: Channels of the first stage.
        ch_ratio: Factor by which ``inflate_stages`` widen the channels.
        num_stages: Number of stages, the first included.
        inflate_stages: Stages, from 1, which widen the channels.
        down_stages: Stages, from 1, which halve the frames.
        gcn_ratio: Channels of a group, as a share of a stage's channels.
        gcn_ctr: Input of the channel-wise topology: ``'T'``, the mean of the
            data over time, or ``'NA'``, each frame.
        gcn_ada: Input of the topology that all channels of a group share:
            ``'T'`` or ``'NA'``.
        tcn_ms_cfg: Branches of the temporal convolution: kernel size and
            dilation, or ``('max', size)``, or ``'1x1'``.
        tcn_dropout: Dropout after the temporal convolution.
        data_bn_type: See :class:`BaseGCN`; the published models use ``'VC'``.
        **kwargs: ``num_person`` and ``init_cfg`` of :class:`BaseGCN`.

    Raises:
        ValueError: For any other ``gcn_ctr`` or ``gcn_ada``.
    """

    GRAPH: ClassVar = dict(mode='random', num_filter=8)

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 64,
        ch_ratio: float = 2,
        num_stages: int = 10,
        inflate_stages: Sequence[int] = (5, 8),
        down_stages: Sequence[int] = (5, 8),
        gcn_ratio: float = 0.125,
        gcn_ctr: str = 'T',
        gcn_ada: str = 'T',
        tcn_ms_cfg: Sequence[Sequence | str] = BRANCHES,
        tcn_dropout: float = 0.0,
        data_bn_type: str = 'VC',
        **kwargs: Any,
    ) -> None:
        super().__init__(graph_cfg, in_channels, data_bn_type, **kwargs)
        stages = plan_stages(
            in_channels,
            base_channels,
            num_stages,
            inflate_stages,
            down_stages,
            ch_ratio,
        )
        self.gcn = ModuleList(
            SpaceTimeBlock(
                DynamicGroupGCN(
                    stage.in_channels,
                    stage.out_channels,
                    self.adjacency(),
                    gcn_ratio,
                    gcn_ctr,
                    gcn_ada,
                ),
                DynamicGroupTCN(
                    self.graph.num_node,
                    stage.out_channels,
                    stage.out_channels,
                    ms_cfg=tcn_ms_cfg,
                    dropout=tcn_dropout,
                    stride=stage.stride,
                ),
                *stage,
                names=('gcn', 'tcn'),
            )
            for stage in stages
        )

    def blocks(self) -> Iterable[nn.Module]:
        """Stages of the backbone, in order."""
        return self.gcn
