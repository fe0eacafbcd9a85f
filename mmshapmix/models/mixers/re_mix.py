"""Remix, Chou et al., arXiv 2007.03943."""

from torch import Tensor

from ...functional.mixing import remix_lam
from ...registry import MODELS
from .mix_up import Mixup
from .rebalanced import RebalancedMixer


@MODELS.register_module()
class Remix(RebalancedMixer, Mixup):
    """Mixup whose labels favour the rarer class.

    Remix-DRW is this mixer with a :class:`~mmshapmix.models.DeferredLoss`,
    whose late loss has ``class_weight=dict(scheme='class_balanced')`` and
    ``reduction='mean'``, from 80 % of training on.

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        kappa: Ratio of the class counts from which on the label can be the
            rarer class.
        tau: Share of the more frequent class's skeleton below which the label
            is the rarer class.
        alpha: The share of each sample is from Beta(alpha, alpha).
        output: ``'mixed'``: mixed samples replace clean samples; ``'both'``:
            they are added.
        **kwargs: Arguments of :class:`Mixer`.

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
        """Label weights by ``kappa`` and ``tau``, ``(N,)``."""
        return remix_lam(counts, partner_counts, lam_x, self.kappa, self.tau)
