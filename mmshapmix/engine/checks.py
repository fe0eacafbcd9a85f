"""Early checks of mistakes that would show only after an epoch, or never."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from mmaction.evaluation import AccMetric
from mmengine.evaluator import BaseMetric
from torch import nn
from torch.utils.data import DataLoader

from ..evaluation import LongTailMetric
from ..models import InfoGCN, InfoGCNHead


def check_batches(loader: DataLoader) -> None:
    """Check that an epoch has at least one batch.

    Args:
        loader: Data loader of the training, in this process.

    Raises:
        ValueError: If an epoch has no iteration.
    """
    sampler: Any = loader.sampler
    if len(loader) == 0:
        raise ValueError(
            'Expected at least one batch of training samples in each process, '
            f'but got {len(sampler)} samples for a batch of '
            f'{loader.batch_size}, and incomplete batches are dropped. Set '
            'a smaller train_dataloader.batch_size, or '
            'train_dataloader.drop_last=False.'
        )


def check_head(model: nn.Module) -> None:
    """Check that InfoGCN is used with its own head.

    Args:
        model: A recognizer, without a distributed wrapper.

    Raises:
        ValueError: For another head, which would classify the backbone's
            features without the latent code.
    """
    head = getattr(model, 'cls_head', None)
    backbone = getattr(model, 'backbone', None)
    if isinstance(backbone, InfoGCN) and not isinstance(head, InfoGCNHead):
        raise ValueError(
            'Expected mmshapmix.InfoGCNHead with InfoGCN, whose latent code '
            f'it classifies, but got {type(head).__name__}. A method with '
            'another head needs another backbone.'
        )


def check_metrics(metrics: Iterable[BaseMetric]) -> None:
    """Check that no two metrics report different values by the same name.

    MMEngine checks this, too, but only at the end of the first validation.

    Args:
        metrics: Metrics of one evaluator.

    Raises:
        ValueError: If they do; the message names the metrics.
    """
    by_prefix = defaultdict(list)
    for metric in metrics:
        if isinstance(metric, LongTailMetric | AccMetric):
            by_prefix[metric.prefix].append(type(metric).__name__)
    for prefix, names in by_prefix.items():
        if len(names) > 1:
            raise ValueError(
                'Expected metrics with prefixes of their own, but '
                f'{" and ".join(names)} both report {prefix}/top1. '
                'LongTailMetric has all that AccMetric has: leave the other '
                "out, or give it a prefix, as dict(type='AccMetric', "
                "prefix='stock')."
            )
