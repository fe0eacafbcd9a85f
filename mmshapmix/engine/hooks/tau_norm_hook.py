"""The tau-normalised classifier."""

import torch
from mmengine.hooks import Hook

from ...functional.classifier import tau_normalize
from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class TauNormHook(Hook):
    r"""Tests with the rows of the classifier tau-normalised, without bias.

    Kang et al., arXiv 1910.09217: :math:`W_c / \|W_c\|^\tau`, and the bias is
    discarded. It needs no training. After the test the classifier
    ``cls_head.fc`` is what it was.

    Args:
        tau: 0 leaves the rows as they are, 1 makes their norms equal. The
            paper chooses it on validation data.
    """

    def __init__(self, tau: float = 1.0) -> None:
        self.tau = tau

    def before_test(self, runner) -> None:
        """Normalise, and keep what was there."""
        self.classifier = unwrapped(runner.model).cls_head.fc
        self.kept = {
            name: value.clone()
            for name, value in self.classifier.state_dict().items()
        }
        weight, bias = self.classifier.weight, self.classifier.bias
        with torch.no_grad():
            weight.copy_(tau_normalize(weight, self.tau))
            if bias is not None:
                bias.zero_()

    def after_test(self, runner) -> None:
        """Put back what was there."""
        self.classifier.load_state_dict(self.kept)
