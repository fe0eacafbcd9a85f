"""Remix, Chou et al., arXiv 2007.03943."""

from torch import Tensor

from ...functional.mixing import remix_lam
from ...registry import MODELS
from .mixup import Mixup
from .rebalanced import RebalancedMixer


@MODELS.register_module()
class Remix(RebalancedMixer, Mixup):
    """Mixup whose labels favour the rarer class.

    Remix-DRW is this with a :class:`~mmshapmix.models.DeferredLoss`, the late
    one with ``class_weight=dict(scheme='class_balanced')`` and
    ``reduction='mean'``, from 80 % of training on.

    Args:
        num_classes: K; none: K and the layout are the training data's.
        kappa: From which ratio of the class counts on the label is the rarer
            one.
        tau: Share of the more frequent class below which it is.
        alpha: The share is from Beta(alpha, alpha), for each sample.
        output: ``'mixed'``: in place of clean samples; ``'both'``: beside
            them.
        **kwargs: Of :class:`Mixer`.

    Raises:
        ValueError: If ``kappa`` is below 1 or ``tau`` not in [0, 1].
    """

    def __init__(
        self,
        num_classes: int | None = None,
        kappa: float = 3.0,
        tau: float = 0.5,
        alpha: float = 1.0,
        output: str = 'mixed',
        **kwargs,
    ) -> None:
        super().__init__(num_classes, alpha=alpha, output=output, **kwargs)
        if kappa < 1 or not 0 <= tau <= 1:
            raise ValueError(
                'Expected `kappa` of at least 1 and `tau` in [0, 1], but got '
                f'{kappa} and {tau}.'
            )
        self.kappa = kappa
        self.tau = tau

    def rebalance(
        self, counts: Tensor, partner_counts: Tensor, lam_x: Tensor
    ) -> Tensor:
        """By ``kappa`` and ``tau``, ``(N,)``."""
        return remix_lam(counts, partner_counts, lam_x, self.kappa, self.tau)
