"""Key point sensitive loss, Li et al., 10.1109/TPAMI.2022.3196044."""

from torch import Tensor

from ...functional.criteria import margin_softmax
from ...functional.margins import by_reversed_rank, kps_scales
from ...registry import MODELS
from .base import ComposedLoss


@MODELS.register_module()
class KPSLoss(ComposedLoss):
    r"""Softmax with larger scales and smaller margins for frequent classes.

    .. math::
        \ell = -\log \mathrm{softmax} \bigl(
        S_y (s_c \cos \theta_c - m_y \mathbb{1}[c = y]) \bigr)_y

    The scores must be cosines, from a head that normalises features and
    classifier. The second stage, ``adjust_gradients=True`` as the late loss of
    :class:`~.deferred_loss.DeferredLoss` from 60 % of training on, has a
    larger scale :math:`S_y` for rarer labels.

    Args:
        scale: S, the same for all labels in the first stage.
        max_margin: Margin of the rarest class.
        base: Base of the logarithm in the class scales.
        adjust_gradients: Whether the scale S depends on the label.
        max_scale: Largest scale of a label.
        **kwargs: Arguments of :class:`~.base.ComposedLoss`, but no ``tau``.
    """

    adjustable = False

    def __init__(
        self,
        scale: float = 15.0,
        max_margin: float = 0.2,
        base: float = 50.0,
        adjust_gradients: bool = False,
        max_scale: float = 50.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.max_margin = max_margin
        self.base = base
        self.adjust_gradients = adjust_gradients
        self.max_scale = max_scale
        for name in ('class_scales', 'margins', 'label_scales'):
            self.register_buffer(name, None, persistent=False)

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Take the measured training samples per class, ``(K,)``."""
        super().set_class_counts(class_counts)
        self.class_scales = kps_scales(class_counts, self.base)
        turned = by_reversed_rank(self.class_scales)
        self.margins = self.max_margin * turned / turned.max()
        self.label_scales = (self.scale * turned).clamp(
            self.scale, self.max_scale
        )

    def lacks_counts(self) -> bool:
        """Return whether class counts are needed and not set yet."""
        return self.margins is None or super().lacks_counts()

    def label_losses(self, logits: Tensor) -> Tensor:
        """Loss of each label, ``(N, K)``, from ``(N, K)`` cosines."""
        scale = self.label_scales if self.adjust_gradients else self.scale
        return margin_softmax(
            logits * self.class_scales, self.margins, scale, gamma=self.gamma
        )
