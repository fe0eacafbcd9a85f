"""Rebalanced partial mixup of BRL, Liu et al., arXiv 2308.14024."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...functional.mixing import MixPlan, rebalanced_lam
from ...registry import MODELS
from .base import Mixer


@MODELS.register_module()
class RebalancedPartialMix(Mixer):
    """Upper body of one, lower body of another; the rarer class names it.

    Section III-B1: of a sixteenth of the batch, the lower half of the body
    comes from a partner, Eq. (3). Where one of the two classes is more than k
    times as frequent, the label is the rarer one, else each has the share of
    its joints, Eq. (4) and (5), with the measured class counts.

    Args:
        num_classes: K.
        layout: Name or dict of the skeleton.
        k: From which ratio of the class counts on the label is the rarer one.
        fraction: How much of a batch is mixed.
        output: ``'mixed'``: in place of clean samples; ``'both'``: beside
            them.
        **kwargs: Of :class:`Mixer`.

    Raises:
        ValueError: If ``k`` is below 1, or the layout lacks halves.
    """

    def __init__(
        self,
        num_classes: int,
        layout: str | Mapping = 'nturgb+d',
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

    def sample_plan(
        self,
        labels: Tensor,
        num_frames: int,
        generator: torch.Generator | None,
    ) -> MixPlan:
        """Draw what one step mixes, with label weights of their own."""
        plan = super().sample_plan(labels, num_frames, generator)
        self.check_class_counts()
        counts = self.class_counts[labels.argmax(1)]
        lam_y = rebalanced_lam(
            counts, counts[plan.partner], plan.lam_x, self.k
        )
        return replace(plan, lam_y=lam_y)
