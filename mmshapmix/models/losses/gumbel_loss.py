"""Gumbel optimised loss, Alexandridis et al. (GOL), arXiv 2207.10936."""

from torch import Tensor

from ...functional.criteria import gumbel
from ...registry import MODELS
from .base import ComposedLoss


@MODELS.register_module()
class GumbelLoss(ComposedLoss):
    """Binary cross-entropy on Gumbel's activation, summed over the classes.

    The activation grows with the logit, within ``GUMBEL_RANGE``, so that the
    predicted class is that of the logits.

    Args:
        **kwargs: Of :class:`~.base.ComposedLoss`.
    """

    def label_losses(self, logits: Tensor) -> Tensor:
        """The loss of each label, ``(N, K)``, of ``(N, K)`` logits."""
        return gumbel(logits, self.gamma)
