"""A GCN head for losses on one-vs-all activations."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from ...functional.checks import check_choice
from ...functional.one_vs_all import (
    Logs,
    gumbel_logs,
    mean_activations,
    sigmoid_logs,
)
from ...registry import MODELS
from .mixed_gcn_head import MixedGCNHead


class Activation(NamedTuple):
    """A one-vs-all activation, and the initial classifier of K classes."""

    logs: Logs
    init_cfg: Callable[[int], dict]


ACTIVATIONS = dict(
    # Initialised as for the class-balanced loss, Cui et al., arXiv
    # 1901.05555: each class starts with a probability of about 1 / K.
    sigmoid=Activation(
        sigmoid_logs,
        lambda k: dict(type='Normal', std=0.01, bias=-math.log(max(k - 1, 1))),
    ),
    # GOL, Alexandridis et al., arXiv 2207.10936.
    gumbel=Activation(
        gumbel_logs, lambda k: dict(type='Constant', val=1e-3, bias=-2.0)
    ),
)


@MODELS.register_module()
class OneVsAllGCNHead(MixedGCNHead):
    """``MixedGCNHead`` for the sigmoid losses and for GumbelLoss.

    Initially every class has a low probability: otherwise the many wrong
    classes would dominate the first steps. In testing the activation replaces
    the softmax.

    Args:
        *args: Arguments of ``GCNHead``.
        activation: ``'sigmoid'`` or ``'gumbel'``.
        init_cfg: Initialisation of the classifier; ``None``: as in the code of
            the losses' authors.
        **kwargs: Arguments of ``MixedGCNHead``.
    """

    def __init__(
        self,
        *args,
        activation: str = 'sigmoid',
        init_cfg: Mapping | Sequence[Mapping] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, init_cfg=init_cfg, **kwargs)
        check_choice('activation', activation, tuple(ACTIVATIONS))
        self.activation_logs, first = ACTIVATIONS[activation]
        if init_cfg is None:
            self.init_cfg = dict(first(self.num_classes), layer='Linear')

    def average_clip(self, cls_scores: Tensor, num_segs: int = 1) -> Tensor:
        """Compute the scores of the samples from those of their clips.

        Args:
            cls_scores: ``(N * clips, K)`` logits.
            num_segs: Clips of a sample.

        Returns:
            ``(N, K)``: with ``average_clips='prob'`` the means of the clips'
            activations, in [0, 1] and float64. They rank as the exact means
            do, and those of a single clip as its logits. Otherwise as in
            ``GCNHead``.
        """
        if self.average_clips != 'prob':
            return super().average_clip(cls_scores, num_segs)
        clips = cls_scores.unflatten(0, (-1, num_segs))
        return mean_activations(clips, self.activation_logs)
