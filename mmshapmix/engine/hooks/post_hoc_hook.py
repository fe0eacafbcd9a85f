"""Post-hoc corrections of a trained classifier, without training."""

from typing import Any

import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from mmengine.registry import DATASETS
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ...datasets import get_class_counts
from ...functional.checks import check_choice
from ...functional.classifier import tau_normalize
from ...functional.losses import adjust_logits, log_prior
from ...registry import HOOKS
from ..models import unwrapped

CORRECTIONS = ('logit-adjustment', 'tau-norm')


@HOOKS.register_module()
class PostHocHook(Hook):
    r"""Corrects the scores of a plainly trained model in testing.

    ``'logit-adjustment'``, Menon et al., arXiv 2007.07314, Eq. (9): the scores
    of each clip become :math:`z - \tau \log \pi`, before softmax and
    averaging. This works with every ``cls_head`` whose forward returns scores
    ``(N, K)``. The class counts come from ``ClassCountsHook``, that is, from
    the checkpoint; without counts in it, they are measured on the config's
    training data.

    ``'tau-norm'``, Kang et al., arXiv 1910.09217: the rows of the classifier
    ``cls_head.fc`` become :math:`W_c / \|W_c\|^\tau`, and its bias is
    discarded. The stored weights do not change, so that EMAHook can exchange
    them for averaged weights.

    Args:
        correction: ``'logit-adjustment'`` or ``'tau-norm'``.
        tau: Strength. 0 leaves the scores or the rows unchanged; with 1, the
            prior is subtracted once, or the norms of all rows are equal. The
            paper of tau-norm chooses tau on validation data.

    Raises:
        ValueError: For any other correction.
    """

    def __init__(self, correction: str, tau: float = 1.0) -> None:
        check_choice('correction', correction, CORRECTIONS)
        self.correction = correction
        self.tau = tau
        self.class_counts: Tensor | None = None

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Take the training samples per class, ``(K,)``."""
        self.class_counts = class_counts

    def before_test(self, runner) -> None:
        """Register the forward hook that corrects the scores.

        Raises:
            ValueError: If the prior is needed and a class has no training
                sample.
        """
        if self.correction == 'tau-norm':
            self.handle = self._normalize(unwrapped(runner.model))
            runner.logger.info(f'Tau-normalised classifier, tau {self.tau:g}')
        else:
            self.handle = self._adjust(runner)
            text = f'Post-hoc logit adjustment with tau {self.tau:g}'
            runner.logger.info(text)

    def _normalize(self, model: Any) -> RemovableHandle:
        def classify(fc: nn.Linear, inputs: tuple, scores: Tensor) -> Tensor:
            return F.linear(inputs[0], tau_normalize(fc.weight, self.tau))

        return model.cls_head.fc.register_forward_hook(classify)

    def _adjust(self, runner) -> RemovableHandle:
        if self.class_counts is None:
            self.class_counts = self._measure(runner)
        model = unwrapped(runner.model)
        device = next(model.parameters()).device
        prior = log_prior(self.class_counts.to(device))

        def adjust(head: nn.Module, inputs: tuple, scores: Tensor) -> Tensor:
            return adjust_logits(scores, prior, -self.tau)

        if any(getattr(m, 'tau', 0) for m in model.cls_head.modules()):
            runner.logger.warning(
                'The loss of this model has taken the prior into account '
                'already: its scores are adjusted twice.'
            )
        return model.cls_head.register_forward_hook(adjust)

    def _measure(self, runner) -> Tensor:
        dataset = DATASETS.build(runner.cfg.train_dataloader.dataset)
        counts = torch.as_tensor(get_class_counts(dataset))
        runner.logger.info(
            'The checkpoint does not know its class counts: measured '
            f"{counts.sum()} samples of the config's training data"
        )
        return counts

    def after_test(self, runner) -> None:
        """Remove the forward hook."""
        self.handle.remove()
