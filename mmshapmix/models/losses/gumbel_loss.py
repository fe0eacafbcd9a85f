"""Gumbel optimised loss, Alexandridis et al. (GOL), arXiv 2207.10936."""

from torch import Tensor

from ...functional.criteria import gumbel
from ...registry import MODELS
from .base import ComposedLoss


@MODELS.register_module()
class GumbelLoss(ComposedLoss):
    """Binary cross-entropy with the Gumbel activation, summed over classes.

    Within ``GUMBEL_RANGE`` the activation increases with the logit, so the
    class with the largest logit is also the predicted class.

    Args:
        **kwargs: Arguments of :class:`~.base.ComposedLoss`.
    """

    def label_losses(self, logits: Tensor) -> Tensor:
        """Loss of each label, ``(N, K)``, from ``(N, K)`` logits."""
        return gumbel(logits, self.gamma)
