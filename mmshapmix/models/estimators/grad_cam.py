"""Saliency by Grad-CAM, Selvaraju et al., arXiv 1610.02391."""

from typing import Any

import torch
from torch import Tensor

from ...functional.saliency import grad_cam
from ...registry import MODELS
from .base import SaliencyEstimator


@MODELS.register_module()
class GradCAM(SaliencyEstimator):
    """Running means of each joint's Grad-CAM on the backbone's features.

    Shap-Mix's Table 8 compares with Grad-CAM; the code for this is not public.
    Here: Grad-CAM of the true class for each person, averaged over persons and
    frames; the saliency of a coalition is the sum over its joints.

    Args:
        momentum: Momentum of the running mean.
        **kwargs: Arguments of :class:`SaliencyEstimator`, from the mixer.
    """

    def __init__(
        self,
        coalitions: Tensor,
        part_joints: Tensor,
        momentum: float = 0.9,
        **kwargs,
    ) -> None:
        super().__init__(
            coalitions=coalitions,
            part_joints=part_joints,
            to_saliency=coalitions.float() @ part_joints,
            momentum=momentum,
            **kwargs,
        )

    def observe(
        self,
        model: Any,
        inputs: Tensor,
        labels: Tensor,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor]:
        """Observe the Grad-CAM of each joint, see the base class."""
        features = model(inputs, stage='backbone', mode='tensor')
        num_joints = self.table.shape[1]
        if features.shape[-1] != num_joints:
            raise ValueError(
                f'Expected features of {num_joints} joints from the backbone '
                f'for Grad-CAM, but got {tuple(features.shape)}.'
            )
        with torch.enable_grad():  # only through the head
            features = features.detach().requires_grad_()
            logits = model.cls_head(features)
            clips = len(logits) // len(labels)
            true = labels.repeat_interleave(clips)[:, None]
            score = logits.gather(1, true).sum()
            (gradient,) = torch.autograd.grad(score, features)
        cam = grad_cam(features.detach().float(), gradient.float())
        # (N * clips, M, T, V)
        values = cam.mean((1, 2)).view(len(labels), clips, -1).mean(1)
        slots = torch.arange(num_joints, device=labels.device)
        return slots.expand_as(values), values
