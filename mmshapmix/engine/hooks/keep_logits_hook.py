"""Logits of the tested samples, for dumped scores."""

from typing import Any

from mmengine.hooks import Hook
from torch import Tensor, nn

from ...evaluation.dump_scores import LOGITS
from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class KeepLogitsHook(Hook):
    """Gives each tested sample the mean logits of its clips.

    The logits are in the sample's field ``pred_logit``, ``(K,)``, and
    therefore in the file of ``DumpScores``. They cannot be computed from
    ``pred_score``, the mean probabilities of several clips. The hook works
    with every ``cls_head`` whose forward returns logits ``(N * clips, K)``;
    post-hoc adjustments are included.
    """

    priority = 'VERY_LOW'  # after the hooks that adjust logits

    def before_test(self, runner) -> None:
        """Register the forward hooks that keep the logits."""
        model = unwrapped(runner.model)
        self.logits: Any = None
        self.handles = [model.register_forward_hook(self._hand_over)]
        if isinstance(getattr(model, 'cls_head', None), nn.Module):
            self.handles.append(
                model.cls_head.register_forward_hook(self._keep)
            )

    def _keep(self, head: nn.Module, inputs: tuple, logits: Any) -> None:
        self.logits = logits

    def _hand_over(
        self, model: nn.Module, inputs: tuple, samples: Any
    ) -> None:
        logits, self.logits = self.logits, None
        fits = isinstance(logits, Tensor) and logits.ndim == 2
        if fits and len(logits) % len(samples) == 0:
            clips = logits.float().unflatten(0, (len(samples), -1))
            for sample, mean in zip(samples, clips.mean(1), strict=True):
                sample.set_field(mean, LOGITS)

    def after_test(self, runner) -> None:
        """Remove the forward hooks."""
        for handle in self.handles:
            handle.remove()
