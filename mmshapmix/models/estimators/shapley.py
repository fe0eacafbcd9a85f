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
    """Base of the estimators from Shapley values.

    The worth of a coalition is the probability that the model gives to the
    true class when it sees only these parts, and the mean pose for the others.
    """

    mean_pose: Tensor

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # The pose is not measured yet: of (M, V, C), only V is known.
        self.mean_pose = torch.zeros(0, self.part_joints.shape[1], 0)

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        saved = state_dict.get(f'{prefix}mean_pose')
        if saved is not None:  # the shape depends on whether it was measured
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
            coalitions: ``(N, E, P)`` bool, E coalitions for each sample.

        Returns:
            ``(N, E)``, means over the clips.
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

    Eq. (2) is linear in the worth: every observed coalition contributes to the
    saliency of all S coalitions, with far less noise than the marginal
    contribution of one. For each sample one coalition is drawn, uniformly.

    Args:
        paired: Whether to observe also the complement of each drawn coalition:
            two evaluations of the model for each sample instead of one.
        momentum: Momentum of the running mean.
        **kwargs: Arguments of :class:`SaliencyEstimator`, from the mixer.
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
        """Observe the worth of a random coalition, see the base class."""
        total, num_parts = self.table.shape[1], len(self.part_joints)
        slots = torch.randint(
            total,
            (len(labels), 1),
            generator=generator,
            device=labels.device,
        )
        if self.paired:
            # The complement of coalition i is 2^P - 1 - i.
            slots = torch.cat([slots, total - 1 - slots], dim=1)
        coalitions = decode_coalitions(slots, num_parts)
        return slots, self.worth(model, inputs, labels, coalitions)


@MODELS.register_module()
class MarginalContributions(ShapleyEstimator):
    """Running means of sampled marginal contributions, as in the paper.

    For each sample a coalition b and a context r are drawn, and
    f(r | b) - f(r) is observed by two evaluations of the model. (The released
    code draws one pair for the whole batch; Algorithm 1 draws one for each
    sample, as here.)

    Args:
        clamp: Whether to raise negative contributions to 0, as the released
            code does.
        momentum: Momentum of the running mean.
        **kwargs: Arguments of :class:`SaliencyEstimator`, from the mixer.
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
        """Observe a marginal contribution per sample, see the base class."""
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
