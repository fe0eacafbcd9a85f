"""Mixup, Zhang et al., arXiv 1710.09412."""

from typing import Any

from ...registry import MODELS
from .base import Mixer


@MODELS.register_module()
class Mixup(Mixer):
    r"""Blends whole skeletons: :math:`\lambda x_i + (1 - \lambda) x_j`.

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        alpha: :math:`\lambda` of each sample is from Beta(alpha, alpha).
        **kwargs: Arguments of :class:`Mixer`.
    """

    def __init__(
        self, num_classes: int | None = None, alpha: float = 1.0, **kwargs
    ) -> None:
        # 'joints', since mixing whole skeletons needs no parts in the layout.
        defaults: dict[str, Any] = dict(spatial='joints', mixup_prob=1.0)
        super().__init__(num_classes, alpha=alpha, **defaults | kwargs)
