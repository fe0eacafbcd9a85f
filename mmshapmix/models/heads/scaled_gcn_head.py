"""A GCN head that learns only one scale per class."""

import torch
from torch import Tensor, nn

from ...registry import MODELS
from .mixed_gcn_head import MixedGCNHead


class ScaledLinear(nn.Linear):
    r"""Linear layer with a learnt factor, :math:`f_c (W_c h + b_c)`.

    Only the factors ``scale`` ``(K,)``, which start at 1, get a gradient.

    Args:
        in_features: D.
        out_features: K.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.requires_grad_(False)
        self.scale = nn.Parameter(torch.ones(out_features))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, D)`` features to ``(N, K)`` logits."""
        return self.scale * super().forward(features)


@MODELS.register_module()
class ScaledGCNHead(MixedGCNHead):
    """``MixedGCNHead`` for learnable weight scaling (LWS).

    Kang et al., arXiv 1910.09217, section 4.1: the second stage learns factors
    on the rows of the first stage's classifier. A checkpoint of the first
    stage loads into this head; it lacks only the scales, which start at 1.

    Args:
        *args: Arguments of ``GCNHead``.
        **kwargs: Arguments of ``MixedGCNHead``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fc = ScaledLinear(self.in_channels, self.num_classes)
