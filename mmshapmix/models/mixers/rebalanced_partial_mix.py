"""Rebalanced partial mixup of BRL, Liu et al., arXiv 2308.14024."""

from collections.abc import Mapping

from torch import Tensor

from ...functional.mixing import rebalanced_lam
from ...registry import MODELS
from .rebalanced import RebalancedMixer


@MODELS.register_module()
class RebalancedPartialMix(RebalancedMixer):
    """Upper body of one sample, lower body of another, rebalanced labels.

    Section III-B1: for a sixteenth of the batch, the lower half of the body
    comes from a partner, Eq. (3). If one of the two classes is more than k
    times as frequent, the label is the rarer class; otherwise each class has
    the share of its joints, Eq. (4) and (5), with the measured class counts.

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        layout: Name or dict of the skeleton.
        k: Ratio of the class counts from which on the label is the rarer
            class.
        fraction: Share of a batch that is mixed.
        output: ``'mixed'``: mixed samples replace clean samples; ``'both'``:
            they are added.
        **kwargs: Arguments of :class:`Mixer`.

    Raises:
        ValueError: If ``k`` is below 1, or the layout lacks halves.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        k: float = 3.0,
        fraction: float = 1 / 16,
        output: str = 'mixed',
        **kwargs,
    ) -> None:
        options = dict(spatial='halves', temporal='copied', window=(1, 1))
        super().__init__(
            num_classes,
            layout,
            fraction=fraction,
            output=output,
            **(options | kwargs),
        )
        if k < 1:
            raise ValueError(f'Expected `k` of at least 1, but got {k}.')
        self.k = k

    def rebalance(
        self, counts: Tensor, partner_counts: Tensor, lam_x: Tensor
    ) -> Tensor:
        """Label weights by Eq. (5), ``(N,)``."""
        return rebalanced_lam(counts, partner_counts, lam_x, self.k)
