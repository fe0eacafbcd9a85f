"""Base class of the losses: adjust logits, weigh by class, reduce."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from mmaction.models.losses import BaseWeightedLoss
from torch import Tensor

from ...functional import losses
from ...functional.checks import check_choice
from ...functional.class_weights import CLASS_WEIGHTS


class ComposedLoss(BaseWeightedLoss):
    """A criterion with logit adjustment, class weights and a reduction.

    All of MMAction2's heads accept it as ``loss_cls``. Labels may be hard or
    soft. :class:`~mmshapmix.engine.hooks.ClassCountsHook` sets the class
    counts. A subclass defines the criterion in :meth:`label_losses`, and may
    define factors on the samples in :meth:`sample_factor`.

    Args:
        tau: Strength of the logit adjustment; 0: none, 1: balanced softmax.
        gamma: Focusing parameter of the focal loss; 0: no focusing.
        class_weight: Name of a scheme in
            :mod:`mmshapmix.functional.class_weights`, or ``dict(scheme=…)``
            with its options; ``(K,)`` weights; or ``None``.
        reduction: ``'weighted_mean'`` or ``'mean'``, see
            :mod:`mmshapmix.functional.losses`; without class weights both are
            the same.
        loss_weight: Factor on the loss.

    Raises:
        ValueError: For a bad option, or a ``tau`` in a loss on cosines.
    """

    adjustable = True  # whether scores are logits, to which a prior adds

    def __init__(
        self,
        tau: float = 0.0,
        gamma: float = 0.0,
        class_weight: str | Mapping | Sequence[float] | None = None,
        reduction: str = 'weighted_mean',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight)
        check_choice('reduction', reduction, losses.REDUCTIONS)
        if gamma < 0:
            raise ValueError(
                f'Expected `gamma` of at least 0, but got {gamma}.'
            )
        if tau and not self.adjustable:
            raise ValueError(
                f'Expected no `tau` in {type(self).__name__}, but got {tau}: '
                'its logits are cosines, to which a prior does not add.'
            )
        self.tau = tau
        self.gamma = gamma
        self.reduction = reduction
        self.scheme, fixed = _scheme(class_weight)
        # Not persistent: every run measures the counts anew, checkpoints keep
        # them in their meta, and stock checkpoints load without warnings.
        self.register_buffer('class_weight', fixed, persistent=False)
        self.register_buffer('log_prior', None, persistent=False)

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Take the measured training samples per class, ``(K,)``.

        Raises:
            ValueError: If the loss needs the counts and a class has none.
        """
        if self.tau:
            self.log_prior = losses.log_prior(class_counts)
        if self.scheme:
            self.class_weight = self.scheme(class_counts)

    def lacks_counts(self) -> bool:
        """Return whether class counts are needed and not set yet."""
        return bool(
            (self.tau and self.log_prior is None)
            or (self.scheme and self.class_weight is None)
        )

    @abstractmethod
    def label_losses(self, logits: Tensor) -> Tensor:
        """Loss of each label, ``(N, K)``, from ``(N, K)`` logits."""

    def sample_factor(
        self, logits: Tensor, label: Tensor, **kwargs
    ) -> Tensor | float:
        """Factor on the loss of each sample, ``(N,)``; here 1 for all.

        Args:
            logits: ``(N, K)``.
            label: ``(N,)`` int64 or ``(N, K)`` soft labels.
            **kwargs: Keyword arguments from the head.
        """
        return 1.0

    def _forward(self, cls_score: Tensor, label: Tensor, **kwargs) -> Tensor:
        """Compute the loss of ``(N, K)`` scores for hard or soft labels."""
        if self.lacks_counts():
            raise RuntimeError(
                f'Expected class counts in {type(self).__name__}, but they '
                'are not set. Keep class_counts=dict(type='
                "'mmshapmix.ClassCountsHook') in `default_hooks`, or call "
                '`set_class_counts`.'
            )
        logits = cls_score.float()  # log-priors lose much in half precision
        if self.tau:
            logits = losses.adjust_logits(logits, self.log_prior, self.tau)
        loss, weight = losses.weigh_labels(
            self.label_losses(logits), label, self.class_weight
        )
        loss = loss * self.sample_factor(logits, label, **kwargs)
        return losses.reduce_loss(loss, weight, self.reduction)


def _scheme(
    class_weight: str | Mapping | Sequence[float] | None,
) -> tuple[Callable[[Tensor], Tensor] | None, Tensor | None]:
    """Return a function from counts to weights, or else fixed weights.

    Without class weights, both are ``None``.
    """
    if class_weight is None:
        return None, None
    if isinstance(class_weight, str):
        class_weight = dict(scheme=class_weight)
    if not isinstance(class_weight, Mapping):
        return None, torch.tensor(class_weight, dtype=torch.float32)
    options = dict(class_weight)
    name = options.pop('scheme', None)
    check_choice('class_weight', name, tuple(CLASS_WEIGHTS))
    function: Callable[..., Tensor] = CLASS_WEIGHTS[name]
    scheme = partial(function, **options)
    scheme(torch.ones(2))  # refuse bad options early
    return scheme, None
