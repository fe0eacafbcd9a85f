"""A GCN head for Gumbel's activation."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from ...functional.criteria import gumbel_activation
from ...registry import MODELS
from .mixed_gcn_head import MixedGCNHead


@MODELS.register_module()
class GumbelGCNHead(MixedGCNHead):
    """``MixedGCNHead`` that begins and predicts as GumbelLoss needs it.

    GOL, Alexandridis et al., arXiv 2207.10936: at first every class is
    unlikely, and in testing the activation stands in the place of the softmax.

    Args:
        *args: Of ``GCNHead``.
        init_cfg: How the classifier begins.
        **kwargs: Of ``MixedGCNHead``.
    """

    def __init__(
        self,
        *args,
        init_cfg: Mapping | Sequence[Mapping] | None = dict(
            type='Constant', layer='Linear', val=1e-3, bias=-2.0
        ),
        **kwargs,
    ) -> None:
        super().__init__(*args, init_cfg=init_cfg, **kwargs)

    def average_clip(self, cls_scores: Tensor, num_segs: int = 1) -> Tensor:
        """Scores of the samples.

        Args:
            cls_scores: ``(N * clips, K)`` logits.
            num_segs: Clips of a sample.

        Returns:
            ``(N, K)``: with ``average_clips='prob'`` the mean of the clips'
            activations, in [0, 1]; else as in ``GCNHead``.
        """
        if self.average_clips != 'prob':
            return super().average_clip(cls_scores, num_segs)
        activation = gumbel_activation(cls_scores.float())
        return activation.unflatten(0, (-1, num_segs)).mean(1)
