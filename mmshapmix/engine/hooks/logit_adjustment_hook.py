"""Post-hoc logit adjustment."""

import torch
from mmengine.hooks import Hook
from mmengine.registry import DATASETS
from torch import Tensor, nn

from ...datasets import get_class_counts
from ...functional.losses import adjust_logits, log_prior
from ...registry import HOOKS
from ..models import unwrapped


@HOOKS.register_module()
class LogitAdjustmentHook(Hook):
    r"""Takes the training prior out of a plainly trained model's scores.

    Menon et al., arXiv 2007.07314, Eq. (9): in testing, the scores of each
    clip become :math:`z - \tau \log \pi`, before softmax and averaging. It
    works with each ``cls_head`` whose forward gives scores ``(N, K)``.

    The class counts are those of ``ClassCountsHook``, that is, of the
    checkpoint. Where there are none, they are measured on the config's
    training data.

    Args:
        tau: Strength; 0 leaves the scores as they are.
    """

    def __init__(self, tau: float = 1.0) -> None:
        self.tau = tau
        self.class_counts: Tensor | None = None

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Take the training samples per class, ``(K,)``."""
        self.class_counts = class_counts

    def before_test(self, runner) -> None:
        """Begin to adjust.

        Raises:
            ValueError: If a class has no training sample.
        """
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
        self.handle = model.cls_head.register_forward_hook(adjust)
        runner.logger.info(f'Post-hoc logit adjustment with tau {self.tau:g}')

    def _measure(self, runner) -> Tensor:
        dataset = DATASETS.build(runner.cfg.train_dataloader.dataset)
        counts = torch.as_tensor(get_class_counts(dataset))
        runner.logger.info(
            'The checkpoint does not know its class counts: measured '
            f"{counts.sum()} samples of the config's training data"
        )
        return counts

    def after_test(self, runner) -> None:
        """Adjust no longer."""
        self.handle.remove()
