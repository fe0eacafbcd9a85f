"""A GCN head for batches that hold clean and mixed samples."""

import torch
from mmaction.evaluation import top_k_accuracy
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample
from torch import Tensor

from ...functional.checks import check_choice
from ...registry import MODELS

COMBINATIONS = ('sum', 'mean')


@MODELS.register_module()
class MixedGCNHead(GCNHead):
    """MMAction2's ``GCNHead`` for the batches of our mixers.

    Shap-Mix (arXiv 2407.12312, Algorithm 1) trains on the loss of the clean
    half plus that of the mixed half: samples that were added to a batch have a
    loss of their own, ``mixed_loss_cls`` beside ``loss_cls``. Those that stand
    in place of clean ones share ``loss_cls`` with them. The accuracy in the
    log is that of the clean samples. On other batches, and in its weights, it
    is a ``GCNHead``.

    Args:
        *args: Of ``GCNHead``.
        combine: ``'sum'`` or ``'mean'`` of the two losses.
        **kwargs: Of ``GCNHead``.
    """

    def __init__(self, *args, combine: str = 'sum', **kwargs) -> None:
        super().__init__(*args, **kwargs)
        check_choice('combine', combine, COMBINATIONS)
        self.combine = combine

    def loss_by_feat(
        self, cls_scores: Tensor, data_samples: list[ActionDataSample]
    ) -> dict[str, Tensor]:
        """Losses and accuracy.

        Args:
            cls_scores: ``(N, K)`` logits.
            data_samples: N samples. Those of a mixer say in their meta
                information whether they are ``mixed``, the clean ones first,
                and whether they are ``added``.
        """
        if len(cls_scores) != len(data_samples):
            raise ValueError(
                'Expected one clip for each sample in training, but got '
                f'{len(cls_scores)} for {len(data_samples)} samples.'
            )
        clean = _number_without(data_samples, 'mixed')
        own = _number_without(data_samples, 'added')
        losses = super().loss_by_feat(cls_scores[:own], data_samples[:own])
        if own < len(data_samples):
            mixed = super().loss_by_feat(cls_scores[own:], data_samples[own:])
            losses |= {f'mixed_{k}': loss for k, loss in mixed.items()}
            if self.combine == 'mean':
                losses = {k: loss / 2 for k, loss in losses.items()}
        if clean and 'mixed' in data_samples[0]:
            losses |= self._accuracy(cls_scores[:clean], data_samples[:clean])
        return losses

    def _accuracy(
        self, cls_scores: Tensor, data_samples: list[ActionDataSample]
    ) -> dict[str, Tensor]:
        """Top-k accuracy, which the base class leaves out on soft labels."""
        labels = torch.stack([sample.gt_label for sample in data_samples])
        accuracy = top_k_accuracy(
            cls_scores.detach().float().cpu().numpy(),
            labels.argmax(1).cpu().numpy(),
            self.topk,
        )
        return {
            f'top{k}_acc': torch.tensor(value, device=cls_scores.device)
            for k, value in zip(self.topk, accuracy, strict=True)
        }


def _number_without(data_samples: list[ActionDataSample], mark: str) -> int:
    """How many samples are not marked so."""
    return sum(not sample.get(mark, False) for sample in data_samples)
