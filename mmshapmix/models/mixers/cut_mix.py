"""CutMix, Yun et al., arXiv 1905.04899, for skeletons."""

from collections.abc import Mapping, Sequence

from ...registry import MODELS
from .base import Mixer


@MODELS.register_module()
class CutMix(Mixer):
    """Pastes random joints in a window of frames, from the same frames.

    Shap-Mix (arXiv 2407.12312, Table 6) does not say how it cuts; this follows
    the random mode of SkeleMixCLR (arXiv 2207.03065): 10 to 15 of 25 joints,
    28 to 44 of 64 frames.

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        layout: Name or dict of the skeleton.
        joint_share: Smallest and largest share of the joints.
        window: Shortest and longest window, as shares of the frames.
        **kwargs: Arguments of :class:`Mixer`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        joint_share: Sequence[float] = (0.4, 0.6),
        window: Sequence[float] = (7 / 16, 11 / 16),
        **kwargs,
    ) -> None:
        options = dict(spatial='joints', temporal='copied') | kwargs
        super().__init__(
            num_classes,
            layout,
            joint_share=joint_share,
            window=window,
            **options,
        )
