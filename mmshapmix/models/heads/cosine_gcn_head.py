"""A GCN head whose logits are cosines."""

import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import MODELS
from .mixed_gcn_head import MixedGCNHead


class CosineLinear(nn.Linear):
    r"""Cosines of features and class vectors, :math:`\hat h \cdot \hat W_c`.

    Args:
        in_features: D.
        out_features: K.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """``(N, K)`` cosines of ``(N, D)`` features."""
        return F.linear(F.normalize(features), F.normalize(self.weight))


@MODELS.register_module()
class CosineGCNHead(MixedGCNHead):
    """``MixedGCNHead`` with a normalised classifier, for LDAM and KPS.

    These losses (arXiv 1906.07413, 10.1109/TPAMI.2022.3196044) take the
    cosines and scale them. In evaluation mode the head does, for all that
    reads its output (means over clips, saliency, logit adjustment): a softmax
    of plain cosines is nearly uniform.

    Args:
        *args: Of ``GCNHead``.
        scale: Factor on the cosines in evaluation mode; that of the loss.
        **kwargs: Of ``MixedGCNHead``.
    """

    def __init__(self, *args, scale: float = 30.0, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.scale = scale
        self.fc = CosineLinear(self.in_channels, self.num_classes)

    def forward(self, x: Tensor, **kwargs) -> Tensor:
        """Cosines in training, scaled cosines in evaluation mode, ``(N, K)``.

        Args:
            x: ``(N, M, C, T, V)`` features.
            **kwargs: Of ``GCNHead``.
        """
        cosines = super().forward(x, **kwargs)
        return cosines if self.training else self.scale * cosines
