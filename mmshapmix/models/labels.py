"""Labels of data samples; for data sets see ``datasets/labels.py``."""

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor


def labels_of(
    data_samples: Sequence[ActionDataSample | dict[str, Any]],
) -> Tensor:
    """Stack the labels of N samples.

    Args:
        data_samples: N samples with a hard or soft ``gt_label``, all alike;
            dicts, if MMEngine passes them to a metric.

    Returns:
        ``(N,)`` int64, or ``(N, K)`` soft labels.
    """
    rows: list[Any] = [sample.get('gt_label') for sample in data_samples]
    labels = torch.stack(rows)
    # MMAction2 keeps hard labels as (1,).
    return labels.squeeze(1) if labels.shape[1] == 1 else labels
