"""Base class of the mixers whose labels favour the rarer class."""

from abc import abstractmethod
from dataclasses import replace

import torch
from torch import Tensor

from ...functional.mixing import MixPlan
from .base import Mixer


class RebalancedMixer(Mixer):
    """A mixer whose label weights differ from the shares of the skeletons.

    The label weights depend on the measured class counts, which
    :class:`~mmshapmix.engine.hooks.ClassCountsHook` sets.
    """

    @abstractmethod
    def rebalance(
        self, counts: Tensor, partner_counts: Tensor, lam_x: Tensor
    ) -> Tensor:
        """Weights of the originals' labels, ``(N,)``, like all arguments."""

    def sample_plan(
        self,
        labels: Tensor,
        num_frames: int,
        generator: torch.Generator | None,
    ) -> MixPlan:
        """Draw the plan of one step, with rebalanced labels."""
        plan = super().sample_plan(labels, num_frames, generator)
        counts = self.known_class_counts()[labels.argmax(1)]
        lam_y = self.rebalance(counts, counts[plan.partner], plan.lam_x)
        return replace(plan, lam_y=lam_y)
