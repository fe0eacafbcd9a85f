"""What mixers share whose labels favour the rarer class."""

from abc import abstractmethod
from dataclasses import replace

import torch
from torch import Tensor

from ...functional.mixing import MixPlan
from .base import Mixer


class RebalancedMixer(Mixer):
    """A mixer whose labels have weights of their own.

    They depend on the measured class counts, which
    :class:`~mmshapmix.engine.hooks.ClassCountsHook` sets.
    """

    @abstractmethod
    def rebalance(
        self, counts: Tensor, partner_counts: Tensor, lam_x: Tensor
    ) -> Tensor:
        """Weights of the originals' labels, ``(N,)``; so are the arguments."""

    def sample_plan(
        self,
        labels: Tensor,
        num_frames: int,
        generator: torch.Generator | None,
    ) -> MixPlan:
        """Draw what one step mixes, with the rebalanced labels."""
        plan = super().sample_plan(labels, num_frames, generator)
        counts = self.known_class_counts()[labels.argmax(1)]
        lam_y = self.rebalance(counts, counts[plan.partner], plan.lam_x)
        return replace(plan, lam_y=lam_y)
