"""The labels of a batch."""

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor


def labels_of(data_samples: list[ActionDataSample]) -> Tensor:
    """Stack the labels of N samples.

    Args:
        data_samples: N samples with a hard or soft ``gt_label``, all alike.

    Returns:
        ``(N,)`` int64, or ``(N, K)`` soft labels.
    """
    labels = torch.stack([sample.gt_label for sample in data_samples])
    # MMAction2 keeps hard labels as (1,).
    return labels.squeeze(1) if labels.shape[1] == 1 else labels
