"""How the Gumbel head begins, and what it predicts."""

import pytest
import torch
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.models import GumbelGCNHead

K, D = 5, 8


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def predictions(head, features, number):
    samples = [ActionDataSample().set_gt_label(0) for _ in range(number)]
    head.eval()
    with torch.no_grad():
        predicted = head.predict(features, samples)
    return torch.stack([sample.pred_score for sample in predicted])


def test_every_class_is_unlikely_at_first():
    head = GumbelGCNHead(K, D)
    head.init_weights()
    assert (head.fc.weight == 1e-3).all() and (head.fc.bias == -2).all()
    # exp(-exp(2)), whatever it sees
    features = torch.randn(3, 1, D, 2, 4)
    scores = predictions(head, features, 3)
    torch.testing.assert_close(
        scores, torch.full((3, K), 6.18e-4), rtol=0.02, atol=0
    )


def test_clips_are_averaged_as_activations(vectors):
    vector = vectors['gumbel_ce']
    logits = torch.tensor(vector['inputs']['logits'])  # two clips of two
    activation = torch.tensor(vector['expected']['activation'])
    head = GumbelGCNHead(3, D)
    scores = head.average_clip(logits, num_segs=2)
    torch.testing.assert_close(
        scores, (activation[::2] + activation[1::2]) / 2, rtol=1e-5, atol=0
    )


def test_it_predicts_the_class_of_the_logits():
    torch.manual_seed(0)
    head = GumbelGCNHead(K, D, init_cfg=None)
    features = torch.randn(16, 1, D, 2, 4)
    scores = predictions(head, features, 16)
    assert torch.equal(scores.argmax(1), head(features).argmax(1))
    assert len(scores.argmax(1).unique()) > 1


@pytest.mark.parametrize('average_clips', ['score', None])
def test_other_averages_are_those_of_the_stock_head(average_clips):
    logits = torch.randn(6, K)
    ours, stock = (
        kind(K, D, average_clips=average_clips).average_clip(logits, 3)
        for kind in (GumbelGCNHead, GCNHead)
    )
    assert torch.equal(ours, stock)
