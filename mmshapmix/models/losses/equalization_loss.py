"""Equalization loss, Tan et al., arXiv 2003.05176."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from ...functional import criteria
from ...functional.class_weights import frequencies
from ...functional.draws import make_generator, sample_kept
from ...registry import MODELS
from .long_tail_loss import LongTailLoss

CRITERIA: dict[str, Callable[..., Tensor]] = dict(
    softmax=criteria.margin_softmax, sigmoid=criteria.sigmoid
)


@MODELS.register_module()
class EqualizationLoss(LongTailLoss):
    """Cross-entropy that often ignores tail classes as wrong answers.

    For a sample of another class, each tail class is left out of the softmax
    with some probability (SEQL, the form for classification); with
    ``criterion='sigmoid'``, its binary loss is left out. The choice is drawn
    in each step for each sample and class;
    :class:`~mmshapmix.engine.hooks.SeedHook` makes the draws depend only on
    (seed, rank, iteration) and the kind of device.

    Args:
        drop_prob: Probability of leaving a tail class out, the paper's gamma.
        tail_share: Share of the training samples below which a class is a tail
            class, the paper's lambda. The paper's sigmoid form, for detection,
            uses 0.00177 and a ``drop_prob`` of 1.
        **kwargs: Arguments of :class:`LongTailLoss`; ``gamma`` is that of the
            focal loss.

    Raises:
        ValueError: If a value is out of range.
    """

    draw_stream = 2  # see SeedHook

    def __init__(
        self, drop_prob: float = 0.9, tail_share: float = 0.005, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= drop_prob <= 1 or not 0 < tail_share <= 1:
            raise ValueError(
                'Expected `drop_prob` from 0 to 1 and `tail_share` above 0, '
                f'up to 1, but got {drop_prob} and {tail_share}.'
            )
        self.drop_prob = drop_prob
        self.tail_share = tail_share
        self.step_seed: tuple[int, ...] | None = None  # set by the hook
        self.drawn: tuple[tuple[int, ...] | None, int] = (None, 0)
        self.register_buffer('drop_probs', None, persistent=False)

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Take the measured training samples per class, ``(K,)``.

        Raises:
            ValueError: If a class has no training sample.
        """
        super().set_class_counts(class_counts)
        shares = frequencies(class_counts)
        is_tail = shares < self.tail_share
        if not is_tail.any():
            warnings.warn(
                f'No class has less than {self.tail_share} of the training '
                'samples: EqualizationLoss is plain cross-entropy. Raise '
                f'`tail_share`; the rarest class has {shares.min():.4f}.',
                stacklevel=2,
            )
        self.drop_probs = self.drop_prob * is_tail

    def lacks_counts(self) -> bool:
        """Return whether class counts are needed and not set yet."""
        return self.drop_probs is None or super().lacks_counts()

    def label_losses(self, logits: Tensor) -> Tensor:
        """Loss of each label, ``(N, K)``, from ``(N, K)`` logits."""
        generator = self._next_generator(logits.device)
        kept = sample_kept(self.drop_probs, len(logits), generator)
        return CRITERIA[self.criterion](logits, kept=kept, gamma=self.gamma)

    def _next_generator(self, device: torch.device) -> torch.Generator | None:
        """Return a new generator for each call within a step.

        A step calls the loss twice if it has clean and mixed samples.
        """
        if self.step_seed is None:
            return None
        seed, call = self.drawn
        call = call + 1 if seed == self.step_seed else 0
        self.drawn = self.step_seed, call
        return make_generator((*self.step_seed, call), device)
