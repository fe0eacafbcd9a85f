"""SkeletonMix, Xu et al. (Ta-CNN), arXiv 2112.04178."""

from collections.abc import Mapping

from ...registry import MODELS
from .base import Mixer


@MODELS.register_module()
class SkeletonMix(Mixer):
    """Puts the upper body of one sample on the lower body of another.

    The whole sequence is mixed; the weight of the original's label is the
    share of its joints. The authors' released code does not contain the
    method: this follows the paper's text and its description in BRL (arXiv
    2308.14024).

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        layout: Name or dict of the skeleton.
        **kwargs: Arguments of :class:`Mixer`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        **kwargs,
    ) -> None:
        options = dict(spatial='halves', temporal='copied', window=(1, 1))
        super().__init__(num_classes, layout, **(options | kwargs))
