"""The tau-normalised classifier."""

import torch.nn.functional as F
from mmengine.hooks import Hook
from torch import Tensor, nn

from ...functional.classifier import tau_normalize
from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class TauNormHook(Hook):
    r"""Tests with the rows of the classifier tau-normalised, without bias.

    Kang et al., arXiv 1910.09217: :math:`W_c / \|W_c\|^\tau`, and the bias is
    discarded. It needs no training. The classifier is ``cls_head.fc``.

    Args:
        tau: 0 leaves the rows as they are, 1 makes their norms equal. The
            paper chooses it on validation data.
    """

    def __init__(self, tau: float = 1.0) -> None:
        self.tau = tau

    def before_test(self, runner) -> None:
        """Begin to normalise; no weight changes, whoever exchanges them."""

        def classify(fc: nn.Linear, inputs: tuple, scores: Tensor) -> Tensor:
            return F.linear(inputs[0], tau_normalize(fc.weight, self.tau))

        classifier = unwrapped(runner.model).cls_head.fc
        self.handle = classifier.register_forward_hook(classify)
        runner.logger.info(f'Tau-normalised classifier, tau {self.tau:g}')

    def after_test(self, runner) -> None:
        """Normalise no longer."""
        self.handle.remove()
