"""Initial values and predictions of the head."""

import numpy as np
import pytest
import torch
from mmaction.evaluation import AccMetric
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.analysis.fusion import fuse_streams
from mmshapmix.analysis.scores import read_streams
from mmshapmix.evaluation import DumpScores, LongTailMetric
from mmshapmix.models import LongTailLoss, OneVsAllGCNHead

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


def test_with_gumbel_every_class_is_unlikely_at_first():
    head = OneVsAllGCNHead(K, D, activation='gumbel')
    head.init_weights()
    assert (head.fc.weight == 1e-3).all() and (head.fc.bias == -2).all()
    # exp(-exp(2)), for any input
    features = torch.randn(3, 1, D, 2, 4)
    scores = predictions(head, features, 3)
    expected = torch.full((3, K), 6.18e-4).double()
    torch.testing.assert_close(scores, expected, rtol=0.02, atol=0)


@pytest.mark.parametrize('number', [5, 60])
def test_with_a_sigmoid_every_class_has_its_share_at_first(number):
    """So the first loss is some log K, not K log 2."""
    head = OneVsAllGCNHead(number, D)
    head.init_weights()
    features = torch.randn(3, 1, D, 2, 4)
    scores = predictions(head, features, 3)
    expected = torch.full((3, number), 1 / number).double()
    torch.testing.assert_close(scores, expected, rtol=0.1, atol=0)
    loss = LongTailLoss(criterion='sigmoid')(
        head(features), torch.tensor([0, 1, 2])
    )
    assert loss.item() == pytest.approx(np.log(number) + 1, abs=0.2)


def test_clips_are_averaged_as_activations(vectors):
    vector = vectors['gumbel_ce']
    logits = torch.tensor(vector['inputs']['logits'])  # two clips of two
    activation = torch.tensor(vector['expected']['activation'])
    head = OneVsAllGCNHead(3, D, activation='gumbel')
    scores = head.average_clip(logits, num_segs=2)
    expected = (activation[::2] + activation[1::2]).double() / 2
    torch.testing.assert_close(scores, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize('activation', ['sigmoid', 'gumbel'])
def test_it_predicts_the_class_of_the_logits(activation):
    torch.manual_seed(0)
    head = OneVsAllGCNHead(K, D, activation=activation)
    features = torch.randn(16, 1, D, 2, 4)
    scores = predictions(head, features, 16)
    assert torch.equal(scores.argmax(1), head(features).argmax(1))
    assert len(scores.argmax(1).unique()) > 1


@pytest.mark.parametrize('activation', ['sigmoid', 'gumbel'])
@pytest.mark.parametrize('clips', [1, 2])
def test_what_saturates_keeps_its_order(activation, clips, tmp_path):
    """In labels, metrics, dumps and fusion; the last class is the best."""
    logits = torch.tensor(
        [[20.0, 25, 27, 30, 31], [40, 50, 51, 60, 90], [-9, -8, -7, -6, -5]]
    )
    samples = [
        ActionDataSample(metainfo=dict(frame_dir=f's{i}')).set_gt_label(3)
        for i in range(3)
    ]
    head = OneVsAllGCNHead(K, D, activation=activation)
    head.predict_by_feat(logits.repeat_interleave(clips, 0), samples)
    assert [sample.pred_label.item() for sample in samples] == [4] * 3
    rows = [sample.to_dict() for sample in samples]
    stock = AccMetric(metric_options=dict(top_k_accuracy=dict(topk=(1, 2))))
    metrics = [LongTailMetric(topk=(1, 2)), stock]
    for metric in metrics:
        metric.process(None, rows)
        found = metric.evaluate(3)
        assert (found['acc/top1'], found['acc/top2']) == (0, 1)
    dump = DumpScores(str(tmp_path / 'x.pkl'))
    dump.process(None, rows)
    dump.evaluate(3)
    streams = read_streams(dict.fromkeys('jb', tmp_path / 'x.pkl'))
    fused = fuse_streams(streams, dict(j=2, b=1)).scores
    assert fused.argsort(1).tolist() == [[0, 1, 2, 3, 4]] * 3


def test_a_start_of_ones_own_and_an_unknown_activation():
    start = dict(type='Constant', layer='Linear', val=0.5, bias=1.0)
    head = OneVsAllGCNHead(K, D, init_cfg=start)
    head.init_weights()
    assert (head.fc.weight == 0.5).all() and (head.fc.bias == 1).all()
    with pytest.raises(ValueError, match=r"\('sigmoid', 'gumbel'\).*'relu'"):
        OneVsAllGCNHead(K, D, activation='relu')


@pytest.mark.parametrize('average_clips', ['score', None])
def test_other_averages_are_those_of_the_stock_head(average_clips):
    logits = torch.randn(6, K)
    ours, stock = (
        kind(K, D, average_clips=average_clips).average_clip(logits, 3)
        for kind in (OneVsAllGCNHead, GCNHead)
    )
    assert torch.equal(ours, stock)
