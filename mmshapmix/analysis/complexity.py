"""Cost of a model: parameters, and multiply-adds of one clip."""

from typing import NamedTuple

import torch
from mmengine.analysis import FlopAnalyzer
from mmengine.config import Config
from torch import nn

from mmshapmix.registry import MODELS

Shape = tuple[int, int, int, int]
"""``(M, T, V, C)`` of a clip."""


class Complexity(NamedTuple):
    """Cost of a model on clips of a given shape."""

    shape: Shape
    parameters: int
    multiply_adds: int


def clip_shape(cfg: Config, joints: int) -> Shape:
    """Shape of the clips in a config's validation.

    Args:
        cfg: A config; M is ``num_person`` of FormatGCNInput, T ``clip_len`` of
            the pipeline, C ``in_channels`` of the backbone, by default 3.
        joints: V.

    Raises:
        ValueError: If the pipeline does not give the number of persons or of
            frames.
    """
    rows = cfg.val_dataloader.dataset.pipeline
    known = {key: row[key] for row in rows for key in row}
    missing = {'num_person', 'clip_len'} - known.keys()
    if missing:
        raise ValueError(
            f'Expected {sorted(missing)} in the validation pipeline, but no '
            'transform has it. Give the shape of a clip.'
        )
    channels = cfg.model.backbone.get('in_channels', 3)
    return known['num_person'], known['clip_len'], joints, channels


def complexity(cfg: Config, shape: Shape | None = None) -> Complexity:
    """Compute the cost of a config's backbone and head.

    Args:
        cfg: The config of a GCN recognizer.
        shape: Shape of a clip; default: :func:`clip_shape`.

    Returns:
        Parameters, and multiply-adds of one clip in evaluation mode, as
        MMEngine counts them: convolutions, matrix products, Einstein sums and
        normalisations. Element-wise operations are not counted.
    """
    backbone = MODELS.build(cfg.model.backbone)
    scorer = nn.Sequential(backbone, MODELS.build(cfg.model.cls_head)).eval()
    shape = shape or clip_shape(cfg, backbone.graph.num_node)
    flops = FlopAnalyzer(scorer, torch.zeros(1, *shape))
    flops.unsupported_ops_warnings(False)
    flops.uncalled_modules_warnings(False)
    parameters = sum(weight.numel() for weight in scorer.parameters())
    return Complexity(shape, parameters, round(flops.total()))
