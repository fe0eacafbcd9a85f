"""CutMix, Yun et al., arXiv 1905.04899, for skeletons."""

from collections.abc import Sequence

from ...registry import MODELS
from .base import Mixer


@MODELS.register_module()
class CutMix(Mixer):
    """Pastes random joints in a window of frames, copied as they are.

    Shap-Mix (arXiv 2407.12312, Table 6) does not say how it cuts; this follows
    SkeleMixCLR's (arXiv 2207.03065) random mode: 10 to 15 of 25 joints, 28 to
    44 of 64 frames.

    Args:
        num_classes: K; none: K and the layout are the training data's.
        layout: Name or dict of the skeleton.
        joint_share: Smallest and largest share of the joints.
        window: Shortest and longest share of the frames.
        **kwargs: Of :class:`Mixer`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | dict = 'nturgb+d',
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
