"""A GCN head for batches that hold clean and mixed samples."""

import torch
from mmaction.evaluation import top_k_accuracy
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample
from torch import Tensor

from ...functional.checks import check_choice
from ...functional.losses import soft_labels
from ...registry import MODELS
from ..labels import labels_of

COMBINATIONS = ('sum', 'mean')


@MODELS.register_module()
class MixedGCNHead(GCNHead):
    """MMAction2's ``GCNHead`` for the batches of our mixers.

    Shap-Mix (arXiv 2407.12312, Algorithm 1) trains on the loss of the clean
    half plus the loss of the mixed half: mixed samples that were added to a
    batch have a loss of their own, ``mixed_loss_cls`` beside ``loss_cls``.
    Mixed samples that replace clean ones share ``loss_cls`` with the clean
    samples. The accuracy in the log counts only clean samples. On other
    batches, and in its weights, this head equals ``GCNHead``.

    Args:
        *args: Arguments of ``GCNHead``.
        combine: ``'sum'`` or ``'mean'``, how the two losses are combined.
        pass_features: Whether the loss gets the pooled features, ``(N, D)``
            before dropout, as keyword ``features``; needed by
            :class:`~mmshapmix.models.InfluenceBalancedLoss`.
        **kwargs: Arguments of ``GCNHead``.
    """

    def __init__(
        self,
        *args,
        combine: str = 'sum',
        pass_features: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        check_choice('combine', combine, COMBINATIONS)
        self.combine = combine
        self.pass_features = pass_features

    def loss(
        self, feats: Tensor, data_samples: list[ActionDataSample], **kwargs
    ) -> dict[str, Tensor]:
        """Compute losses and accuracy.

        Args:
            feats: ``(N, M, C, T, V)`` from the backbone.
            data_samples: N samples, see :meth:`loss_by_feat`.
            **kwargs: Arguments of ``GCNHead.forward``.
        """
        cls_scores = self(feats, **kwargs)
        features = feats.mean((1, 3, 4)) if self.pass_features else None
        return self.loss_by_feat(cls_scores, data_samples, features)

    def loss_by_feat(
        self,
        cls_scores: Tensor,
        data_samples: list[ActionDataSample],
        features: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute losses and accuracy from logits.

        Args:
            cls_scores: ``(N, K)`` logits.
            data_samples: N samples. The meta information of a mixer's samples
                says whether they are ``mixed`` and ``added``; clean samples
                come first.
            features: ``(N, D)``, for a loss that takes features.
        """
        if len(cls_scores) != len(data_samples):
            raise ValueError(
                'Expected one clip for each sample in training, but got '
                f'{len(cls_scores)} for {len(data_samples)} samples.'
            )
        clean = _number_without(data_samples, 'mixed')
        own = _number_without(data_samples, 'added')
        batch = cls_scores, data_samples, features
        losses = self._losses(slice(own), *batch)
        if own < len(data_samples):
            mixed = self._losses(slice(own, None), *batch)
            losses |= {f'mixed_{k}': loss for k, loss in mixed.items()}
            if self.combine == 'mean':
                losses = {k: loss / 2 for k, loss in losses.items()}
        if clean and 'mixed' in data_samples[0]:
            labels = labels_of(data_samples[:clean]).argmax(1)
            losses |= self._accuracy(cls_scores[:clean], labels)
        return losses

    def _losses(
        self,
        rows: slice,
        cls_scores: Tensor,
        data_samples: list[ActionDataSample],
        features: Tensor | None,
    ) -> dict[str, Tensor]:
        """Compute the losses of some rows.

        As in MMAction2's ``BaseHead``, which does not pass keywords to the
        loss.
        """
        scores = cls_scores[rows]
        keywords = {} if features is None else dict(features=features[rows])
        labels = labels_of(data_samples[rows]).to(scores.device)
        losses: dict[str, Tensor] = {}
        if labels.ndim == 1:
            losses |= self._accuracy(scores, labels)
        if self.label_smooth_eps:
            eps = self.label_smooth_eps
            soft = soft_labels(labels, self.num_classes)
            labels = (1 - eps) * soft + eps / self.num_classes
        loss = self.loss_cls(scores, labels, **keywords)
        if not isinstance(loss, dict):
            loss = dict(loss_cls=loss)
        return losses | loss

    def _accuracy(
        self, cls_scores: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Compute the top-k accuracy for ``(N,)`` labels."""
        accuracy = top_k_accuracy(
            cls_scores.detach().float().cpu().numpy(),
            labels.cpu().numpy(),
            self.topk,
        )
        return {
            f'top{k}_acc': torch.tensor(value, device=cls_scores.device)
            for k, value in zip(self.topk, accuracy, strict=True)
        }


def _number_without(data_samples: list[ActionDataSample], mark: str) -> int:
    """Number of samples without a mark in their meta information."""
    return sum(not sample.get(mark, False) for sample in data_samples)
