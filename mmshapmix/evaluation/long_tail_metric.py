"""Accuracy overall, and of classes by their number of training samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from ..functional.accuracy import (
    class_accuracy,
    mean_class_accuracy,
    shot_accuracy,
    top_classes,
    top_k_accuracy,
)
from ..functional.longtail import SHOT_THRESHOLDS, ClassCounts, shot_groups
from ..models.labels import labels_of
from ..registry import METRICS
from .dump_scores import plain


@METRICS.register_module()
class LongTailMetric(BaseMetric):
    """Top-k, mean class, and many- / medium- / few-shot accuracy.

    With the prefix ``acc/``: ``top1``, ``top5``, ``mean1`` (mean of the
    accuracies of the tested classes; ``AccMetric`` counts a class that is
    predicted but not tested as 0), ``many``, ``medium``, ``few``, and the
    number of tested classes in each group, ``num_many`` and so on. A group
    without tested classes is absent. All values except the numbers are shares
    in [0, 1]. Without class counts (a checkpoint that does not contain them)
    all groups are absent.

    After an evaluation, :attr:`per_class` has a row for each class.

    Args:
        topk: Values of k for the top-k accuracies.
        thresholds: ``(low, high)``: few < low <= medium <= high < many.
        collect_device: See ``BaseMetric``.
        prefix: See ``BaseMetric``.
    """

    default_prefix = 'acc'

    def __init__(
        self,
        topk: Sequence[int] = (1, 5),
        thresholds: tuple[int, int] = SHOT_THRESHOLDS,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.topk = tuple(topk)
        low, high = thresholds
        self.thresholds = (low, high)
        shot_groups(np.array([1]), self.thresholds)  # refuse bad ones early
        self.class_counts: ClassCounts | None = None
        self.per_class: list[dict[str, Any]] = []

    def set_class_counts(self, class_counts: Any) -> None:
        """Take the training samples per class, ``(K,)``."""
        self.class_counts = np.asarray(class_counts)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep each sample's label and its best classes.

        Raises:
            ValueError: If a sample has no label.
        """
        labels = labels_of(data_samples).tolist()
        if min(labels) < 0:
            raise ValueError(
                'Expected labels of all samples, but some have none (-1): '
                'nothing can be measured. tools/test.py --dump writes their '
                'scores.'
            )
        scores = np.stack(
            [plain(sample['pred_score']) for sample in data_samples]
        )
        ranked = top_classes(scores, max(self.topk))
        for label, best in zip(labels, ranked, strict=True):
            self.results.append((label, best, scores.shape[1]))

    def compute_metrics(self, results: list) -> dict[str, float | None]:
        """Compute the metrics of all samples.

        ``BaseMetric`` has gathered the samples from all ranks and dropped
        those that the sampler repeated to make the ranks equal.
        """
        if not results:
            raise ValueError(
                'Expected samples to evaluate, but there is none. Look at the '
                'split and at `indices` of the data set.'
            )
        labels = np.array([label for label, _, _ in results])
        ranked = np.stack([best for _, best, _ in results])
        num_classes = results[0][2]
        metrics: dict[str, float | None] = {
            f'top{k}': top_k_accuracy(ranked, labels, k) for k in self.topk
        }
        self._check(num_classes)
        correct, total = class_accuracy(ranked[:, 0], labels, num_classes)
        metrics['mean1'] = mean_class_accuracy(correct, total)
        if self.class_counts is not None:
            groups = shot_accuracy(
                correct, total, self.class_counts, self.thresholds
            )
            metrics.update({name: acc for name, (acc, _) in groups.items()})
            metrics.update(
                {f'num_{name}': size for name, (_, size) in groups.items()}
            )
        self.per_class = self._table(correct, total)
        return metrics

    def _check(self, num_classes: int) -> None:
        counts = self.class_counts
        if counts is not None and len(counts) != num_classes:
            raise ValueError(
                f'Expected training counts of {num_classes} classes, as there '
                f'are scores, but got {len(counts)}. The checkpoint is of '
                'another number of classes than the model.'
            )

    def _table(
        self, correct: np.ndarray, total: np.ndarray
    ) -> list[dict[str, Any]]:
        names = (self.dataset_meta or {}).get('classes')
        counts = self.class_counts
        groups = {} if counts is None else shot_groups(counts, self.thresholds)
        rows = []
        for k in range(len(total)):
            row: dict[str, Any] = dict(class_id=k)
            if names:
                row['name'] = names[k]
            if counts is not None:
                row['train_samples'] = int(counts[k])
                row['group'] = next(g for g, mask in groups.items() if mask[k])
            row.update(test_samples=int(total[k]), correct=int(correct[k]))
            row['accuracy'] = (
                f'{correct[k] / total[k]:.4f}' if total[k] else ''
            )
            rows.append(row)
        return rows
