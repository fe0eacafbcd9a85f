"""Influence-balanced loss, Park et al., arXiv 2110.02444."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from ...functional.criteria import softmax
from ...functional.losses import influence_factor
from ...registry import MODELS
from .base import ComposedLoss


@MODELS.register_module()
class InfluenceBalancedLoss(ComposedLoss):
    r"""Cross-entropy with lower weights of samples with a large influence.

    .. math::
        \ell_i = w_{y_i} \, \mathrm{CE}_i \,
        \frac{\alpha}{\|p_i - q_i\|_1 \, \|h_i\|_1 + \epsilon}

    The loss needs the features :math:`h` before the classifier:
    ``pass_features=True`` in :class:`~mmshapmix.models.MixedGCNHead`. Use it
    as the late loss of :class:`~.deferred_loss.DeferredLoss`, from half of the
    training on, with a hundredth of the learning rate: its values are about a
    hundred times those of cross-entropy.

    Args:
        alpha: Factor on the loss. It should grow with the number of features,
            since the norm of :math:`h` is a sum over them.
        eps: :math:`\epsilon`, which bounds the factor of samples that are
            already learnt.
        detach: Whether the factor is a constant weight. The authors' code lets
            gradients pass through the factor, which makes the gradients of the
            loss smaller.
        class_weight: See :class:`~.base.ComposedLoss`.
        reduction: See :class:`~.base.ComposedLoss`.
        **kwargs: Arguments of :class:`~.base.ComposedLoss`.

    Raises:
        ValueError: If ``alpha`` or ``eps`` is not above 0.
    """

    def __init__(
        self,
        alpha: float = 1000.0,
        eps: float = 1e-3,
        detach: bool = False,
        class_weight: str | Mapping | Sequence[float] | None = dict(
            scheme='inverse_frequency', normalize=True
        ),
        reduction: str = 'mean',
        **kwargs,
    ) -> None:
        super().__init__(
            class_weight=class_weight, reduction=reduction, **kwargs
        )
        if alpha <= 0 or eps <= 0:
            raise ValueError(
                'Expected `alpha` and `eps` above 0, but got '
                f'{alpha} and {eps}.'
            )
        self.alpha = alpha
        self.eps = eps
        self.detach = detach

    def label_losses(self, logits: Tensor) -> Tensor:
        """Loss of each label, ``(N, K)``, from ``(N, K)`` logits."""
        return softmax(logits, self.gamma)

    def sample_factor(
        self,
        logits: Tensor,
        label: Tensor,
        features: Tensor | None = None,
        **kwargs,
    ) -> Tensor:
        """Factor on the loss of each sample, ``(N,)``.

        Args:
            logits: ``(N, K)``.
            label: ``(N,)`` int64 or ``(N, K)`` soft labels.
            features: ``(N, D)``, the classifier's input.
            **kwargs: Not used.

        Raises:
            ValueError: If the head does not pass the features.
        """
        if features is None:
            raise ValueError(
                'Expected features from the head for InfluenceBalancedLoss, '
                'but got none. Set model.cls_head=dict(type='
                "'mmshapmix.MixedGCNHead', pass_features=True, …)."
            )
        factor = influence_factor(
            logits, label, features.float(), self.alpha, self.eps
        )
        return factor.detach() if self.detach else factor
