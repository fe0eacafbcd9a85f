"""SkeletonMix, Xu et al. (Ta-CNN), arXiv 2112.04178."""

from ...registry import MODELS
from .base import Mixer


@MODELS.register_module()
class SkeletonMix(Mixer):
    """The upper body of one sample on the lower body of another.

    The whole sequence; the original's label has the share of its joints. The
    method is not in the authors' released code: this follows the paper's text
    and BRL's (arXiv 2308.14024) account of it.

    Args:
        num_classes: K; none: K and the layout are the training data's.
        layout: Name or dict of the skeleton.
        **kwargs: Of :class:`Mixer`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | dict = 'nturgb+d',
        **kwargs,
    ) -> None:
        options = dict(spatial='halves', temporal='copied', window=(1, 1))
        super().__init__(num_classes, layout, **(options | kwargs))
