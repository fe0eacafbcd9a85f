"""Costs of models, counted by hand."""

import pytest
from mmengine.config import Config

from mmshapmix.analysis.complexity import complexity

M, T, V, C, WIDTH, CLASSES = 2, 16, 17, 3, 8, 5


@pytest.fixture
def cfg():
    """One stage of ST-GCN."""
    pipeline = [
        dict(type='UniformSampleFrames', clip_len=T),
        dict(type='FormatGCNInput', num_person=M),
    ]
    return Config(
        dict(
            model=dict(
                backbone=dict(
                    type='mmaction.STGCN',
                    graph_cfg=dict(layout='coco', mode='spatial'),
                    base_channels=WIDTH,
                    num_stages=1,
                ),
                cls_head=dict(
                    type='mmaction.GCNHead',
                    num_classes=CLASSES,
                    in_channels=WIDTH,
                ),
            ),
            val_dataloader=dict(dataset=dict(pipeline=pipeline)),
        )
    )


def test_one_stage_by_hand(cfg):
    places, subsets, kernel = M * T * V, 3, 9
    norms = 2 * V * C, 2 * WIDTH, 2 * WIDTH
    graph = (C + 1) * subsets * WIDTH + subsets * V * V  # edge importance
    temporal = (kernel * WIDTH + 1) * WIDTH
    classifier = (WIDTH + 1) * CLASSES
    costs = complexity(cfg)
    assert costs.shape == (M, T, V, C)
    assert costs.parameters == sum(norms) + graph + temporal + classifier
    expected = sum(
        (
            places * 2 * C,  # batch norm of the data
            places * C * subsets * WIDTH,
            places * subsets * V * WIDTH,
            places * 2 * WIDTH,
            places * kernel * WIDTH * WIDTH,
            places * 2 * WIDTH,
            places * WIDTH,  # pooling
            WIDTH * CLASSES,
        )
    )
    # MMEngine's einsum counts one less for each clip.
    assert costs.multiply_adds == pytest.approx(expected, abs=M)


def test_the_shape_may_be_given(cfg):
    cfg.val_dataloader.dataset.pipeline = []
    with pytest.raises(ValueError, match="'clip_len', 'num_person'"):
        complexity(cfg)
    once = complexity(cfg, (1, T, V, C)).multiply_adds - WIDTH * CLASSES
    twice = complexity(cfg, (2, T, V, C)).multiply_adds - WIDTH * CLASSES
    assert twice == pytest.approx(2 * once, rel=1e-3)
