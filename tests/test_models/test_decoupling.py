"""The frozen recognizer and the scaled head."""

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import load_state_dict

K, D = 5, 16


def recognizer(kind='RecognizerGCN', head='GCNHead'):
    init_default_scope('mmaction')
    torch.manual_seed(0)
    backbone = dict(
        type='STGCN',
        graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'),
        base_channels=8,
        num_stages=2,
        inflate_stages=[2],
        down_stages=[2],
        tcn_dropout=0.5,
    )
    head = dict(type=head, num_classes=K, in_channels=D)
    return MODELS.build(dict(type=kind, backbone=backbone, cls_head=head))


def frozen(**options):
    return recognizer('mmshapmix.FrozenRecognizerGCN', **options)


@pytest.fixture
def batch():
    samples = [ActionDataSample().set_gt_label(i % K) for i in range(6)]
    return torch.randn(6, 1, 1, 8, 25, 3), samples


def scaled_head():
    return recognizer(head='mmshapmix.ScaledGCNHead').cls_head


def test_only_the_head_of_a_frozen_recognizer_learns(batch):
    model = frozen().train()
    sum(v for k, v in model.loss(*batch).items() if 'loss' in k).backward()
    with_gradient = {
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }
    assert with_gradient == {'cls_head.fc.weight', 'cls_head.fc.bias'}


@pytest.mark.parametrize('make', [recognizer, frozen])
def test_training_leaves_a_frozen_backbone_as_in_testing(make, batch):
    """Running statistics are used and kept; stock models change them."""
    model, inputs = make(), batch[0]
    in_testing = model.eval()(inputs, stage='backbone')
    kept = {name: b.clone() for name, b in model.named_buffers()}
    model.eval().train()
    in_training = model(inputs, stage='backbone')
    same = torch.equal(in_training, in_testing)
    unchanged = all(torch.equal(b, kept[n]) for n, b in model.named_buffers())
    assert same == unchanged == (make is frozen)
    assert model.training and model.cls_head.training


def test_a_frozen_recognizer_loads_and_predicts_as_a_stock_one(batch):
    stock, model = recognizer(), frozen()
    for parameter in stock.parameters():
        torch.nn.init.normal_(parameter)
    model.load_state_dict(stock.state_dict())  # strict: the same names
    for one, other in zip(
        model.eval().predict(*batch), stock.eval().predict(*batch), strict=True
    ):
        assert torch.equal(one.pred_score, other.pred_score)


def test_the_scaled_head_by_hand():
    head = scaled_head()
    features = torch.randn(4, 2, D, 3, 5)
    pooled = features.mean((1, 3, 4))
    with torch.no_grad():
        head.fc.scale.copy_(torch.arange(1.0, K + 1))
        head.fc.bias.normal_()
    naive = [
        [(c + 1) * (head.fc.weight[c] @ h + head.fc.bias[c]) for c in range(K)]
        for h in pooled
    ]
    torch.testing.assert_close(head(features), torch.tensor(naive))


def test_the_scaled_head_learns_its_scales_alone():
    head = scaled_head()
    head(torch.randn(4, 2, D, 3, 5)).logsumexp(1).sum().backward()
    learnt = {n for n, p in head.named_parameters() if p.requires_grad}
    assert learnt == {'fc.scale'} and head.fc.scale.grad.abs().min() > 0
    assert head.fc.weight.grad is None and head.fc.bias.grad is None


def test_the_scaled_head_starts_as_the_first_stage(batch):
    """A checkpoint of the first stage loads, and lacks only the scales."""
    stock = recognizer()
    model = recognizer(head='mmshapmix.ScaledGCNHead')
    missing, unexpected = model.load_state_dict(
        stock.state_dict(), strict=False
    )
    assert missing == ['cls_head.fc.scale'] and not unexpected
    load_state_dict(model, stock.state_dict())  # like the Runner
    torch.testing.assert_close(
        model.eval()(batch[0], stage='head'),
        stock.eval()(batch[0], stage='head'),
    )
