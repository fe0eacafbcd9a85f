"""A GCN head whose logits are cosines."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import MODELS
from .mixed_gcn_head import MixedGCNHead


class CosineLinear(nn.Linear):
    r"""Cosines of features and class vectors, :math:`\hat h \cdot \hat W_c`.

    The class vectors start with norm 1. Their gradients are proportional to
    one over the norm: short vectors would turn wildly, grow, and then stand
    still.

    Args:
        in_features: D.
        out_features: K.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False)

    def reset_parameters(self) -> None:
        """Draw uniformly distributed directions."""
        with torch.no_grad():
            self.weight.copy_(F.normalize(torch.randn_like(self.weight)))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, D)`` features to ``(N, K)`` cosines."""
        return F.linear(F.normalize(features), F.normalize(self.weight))


@MODELS.register_module()
class CosineGCNHead(MixedGCNHead):
    """``MixedGCNHead`` with a normalised classifier, for LDAM and KPS.

    These losses (arXiv 1906.07413, 10.1109/TPAMI.2022.3196044) take cosines
    and scale them. In evaluation mode the head itself scales the cosines, for
    all users of its output (means over clips, saliency, logit adjustment): a
    softmax of unscaled cosines is nearly uniform.

    Args:
        *args: Arguments of ``GCNHead``.
        scale: Factor on the cosines in evaluation mode, equal to the loss's.
        init_cfg: Initialisation of the head, except for the classifier.
        **kwargs: Arguments of ``MixedGCNHead``.

    Raises:
        ValueError: If the loss has another scale.
    """

    def __init__(
        self,
        *args,
        scale: float = 30.0,
        init_cfg: Mapping | Sequence[Mapping] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, init_cfg=init_cfg, **kwargs)
        losses = self.loss_cls.modules()
        others = {getattr(loss, 'scale', scale) for loss in losses} - {scale}
        if others:
            raise ValueError(
                f'Expected `scale` of CosineGCNHead as that of its loss, '
                f'{others}, but got {scale}.'
            )
        self.scale = scale
        self.fc = CosineLinear(self.in_channels, self.num_classes)

    def forward(self, x: Tensor, **kwargs) -> Tensor:
        """Cosines in training, scaled cosines in evaluation mode, ``(N, K)``.

        Args:
            x: ``(N, M, C, T, V)`` features.
            **kwargs: Arguments of ``GCNHead``.
        """
        cosines = super().forward(x, **kwargs)
        return cosines if self.training else self.scale * cosines
