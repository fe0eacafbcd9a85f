"""Saliency by Shapley values, Shap-Mix (arXiv 2407.12312), section 3.3."""

import torch
from torch import Tensor, nn

from ...functional.coalitions import decode_coalitions
from ...functional.saliency import keep_parts
from ...functional.shapley import (
    marginal_contribution,
    sample_contexts,
    shapley_matrix,
)
from ...registry import MODELS
from .base import SaliencyEstimator


class ShapleyEstimator(SaliencyEstimator):
    """What a model makes of some parts, with the mean pose for the others.

    The worth of a coalition is the probability that the model gives to the
    true class when it sees these parts only.
    """

    mean_pose: Tensor

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Not measured yet: only V is known.
        self.mean_pose = torch.zeros(0, self.part_joints.shape[1], 0)

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        saved = state_dict.get(f'{prefix}mean_pose')
        if saved is not None:  # Its shape is known once it is measured.
            self.mean_pose = self.mean_pose.new_zeros(saved.shape)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def worth(
        self,
        model: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        coalitions: Tensor,
    ) -> Tensor:
        """Probability of the true class when only these parts are seen.

        Args:
            model: The recognizer, in evaluation mode.
            inputs: ``(N, clips, M, T, V, C)``.
            labels: ``(N,)`` int64.
            coalitions: ``(N, E, P)`` bool, E for each sample.

        Returns:
            ``(N, E)``; a mean over the clips.
        """
        seen = keep_parts(inputs, coalitions, self.part_joints, self.mean_pose)
        logits = model(seen.flatten(0, 1), stage='head', mode='tensor')
        probability = logits.float().softmax(-1)
        # (N, E, clips, K)
        probability = probability.view(*seen.shape[:3], -1).mean(2)
        index = labels[:, None, None].expand(-1, coalitions.shape[1], 1)
        return probability.gather(2, index).squeeze(2)


@MODELS.register_module()
class CoalitionValues(ShapleyEstimator):
    """Running means of the worth of all 2^P coalitions.

    Eq. (2) is linear in the worth: every observed coalition informs the
    saliency of all combinations, with far less noise than a marginal
    contribution of one. A coalition for each sample is drawn, all equally
    often.

    Args:
        paired: Observe the complement of each drawn coalition, too: two
            evaluations of the model for each sample, in place of one.
        momentum: Of the running mean.
        **kwargs: Of :class:`SaliencyEstimator`; the mixer gives them.
    """

    def __init__(
        self,
        coalitions: Tensor,
        paired: bool = True,
        momentum: float = 0.97,
        **kwargs,
    ) -> None:
        super().__init__(
            coalitions=coalitions,
            to_saliency=shapley_matrix(coalitions),
            momentum=momentum,
            **kwargs,
        )
        self.paired = paired

    def observe(
        self,
        model: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor]:
        """The worth of a random coalition of each sample, see the base."""
        total, num_parts = self.table.shape[1], len(self.part_joints)
        slots = torch.randint(
            total,
            (len(labels), 1),
            generator=generator,
            device=labels.device,
        )
        if self.paired:
            slots = torch.cat([slots, total - 1 - slots], dim=1)
        coalitions = decode_coalitions(slots, num_parts)
        return slots, self.worth(model, inputs, labels, coalitions)


@MODELS.register_module()
class MarginalContributions(ShapleyEstimator):
    """Running means of sampled marginal contributions, as in the paper.

    For each sample a combination b and a context r are drawn, and
    f(r | b) - f(r) is observed: two evaluations. (The release draws one pair
    for the whole batch; Algorithm 1 one for each sample, as here.)

    Args:
        clamp: Cut each contribution off at 0, as the released code does.
        momentum: Of the running mean.
        **kwargs: Of :class:`SaliencyEstimator`; the mixer gives them.
    """

    def __init__(
        self,
        coalitions: Tensor,
        clamp: bool = False,
        momentum: float = 0.9,
        **kwargs,
    ) -> None:
        super().__init__(
            coalitions=coalitions,
            to_saliency=torch.eye(len(coalitions)),
            momentum=momentum,
            **kwargs,
        )
        self.clamp = clamp

    def observe(
        self,
        model: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor]:
        """A marginal contribution of each sample, see the base."""
        slots = torch.randint(
            len(self.coalitions),
            (len(labels),),
            generator=generator,
            device=labels.device,
        )
        joining = self.coalitions[slots] > 0.5
        context = sample_contexts(joining, generator)
        worth = self.worth(
            model,
            inputs,
            labels,
            torch.stack([context | joining, context], dim=1),
        )
        joined, alone = worth.unbind(1)
        contribution = marginal_contribution(joined, alone, self.clamp)
        return slots[:, None], contribution[:, None]
