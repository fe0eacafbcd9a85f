"""SkeleMix, Zhan et al. (SkeleMixCLR), arXiv 2207.03065."""

from collections.abc import Mapping, Sequence

from ...registry import MODELS
from .base import Mixer


@MODELS.register_module()
class SkeleMix(Mixer):
    """Pastes 2 or 3 parts in a window of frames, from the same frames.

    The mixing of the contrastive method, without its loss. The released code
    draws once for a batch; here every sample has its own plan.

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        layout: Name or dict of the skeleton.
        num_parts: Fewest and most parts.
        window: Shortest and longest window, as shares of the frames; the
            released code has 7 to 11 of 16 blocks.
        **kwargs: Arguments of :class:`Mixer`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        num_parts: Sequence[int] = (2, 3),
        window: Sequence[float] = (7 / 16, 11 / 16),
        **kwargs,
    ) -> None:
        options = dict(temporal='copied') | kwargs
        super().__init__(
            num_classes, layout, num_parts=num_parts, window=window, **options
        )
