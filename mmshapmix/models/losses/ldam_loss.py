"""LDAM loss, Cao et al., arXiv 1906.07413."""

from torch import Tensor

from ...functional.criteria import margin_softmax
from ...functional.margins import ldam_margins
from ...registry import MODELS
from .base import ComposedLoss


@MODELS.register_module()
class LDAMLoss(ComposedLoss):
    """Softmax cross-entropy with label-distribution-aware margins.

    The scores must be cosines, from a head that normalises features and
    classifier. LDAM-DRW is this loss in both stages of
    :class:`~.deferred_loss.DeferredLoss`, the late stage with
    ``class_weight=dict(scheme='class_balanced')``, from 80 % of training on.

    Args:
        max_margin: Margin of the rarest class.
        scale: Factor on the cosines.
        **kwargs: Arguments of :class:`~.base.ComposedLoss`, but no ``tau``.
    """

    adjustable = False

    def __init__(
        self, max_margin: float = 0.5, scale: float = 30.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.max_margin = max_margin
        self.scale = scale
        self.register_buffer('margins', None, persistent=False)

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Take the measured training samples per class, ``(K,)``."""
        super().set_class_counts(class_counts)
        self.margins = ldam_margins(class_counts, self.max_margin)

    def lacks_counts(self) -> bool:
        """Return whether class counts are needed and not set yet."""
        return self.margins is None or super().lacks_counts()

    def label_losses(self, logits: Tensor) -> Tensor:
        """Loss of each label, ``(N, K)``, from ``(N, K)`` cosines."""
        return margin_softmax(
            logits, self.margins, self.scale, gamma=self.gamma
        )
