"""The head's losses against the same losses computed separately."""

import pytest
import torch
import torch.nn.functional as F
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.models import InfluenceBalancedLoss
from mmshapmix.models.heads import MixedGCNHead

K, D = 6, 8


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def samples(labels, mixed=None, added=None):
    """Samples with the marks of a mixer, or without marks."""
    made = []
    for label in labels:
        sample = ActionDataSample().set_gt_label(label)
        if mixed is not None:
            marks = dict(mixed=mixed, added=mixed if added is None else added)
            sample.set_metainfo(marks)
        made.append(sample)
    return made


def mixed_batch(number=4):
    torch.manual_seed(0)
    scores = torch.randn(2 * number, K)
    hard = torch.arange(number) % K
    clean = F.one_hot(hard, K).float()
    soft = torch.rand(number, K).softmax(1)
    batch = samples(clean, False) + samples(soft, True)
    return scores, hard, soft, batch


@pytest.mark.parametrize('number', [1, 4])
@pytest.mark.parametrize(('combine', 'factor'), [('sum', 1), ('mean', 0.5)])
@pytest.mark.parametrize(
    'loss',
    [
        dict(type='CrossEntropyLoss'),
        dict(type='mmshapmix.LongTailLoss', class_weight=list(range(1, 7))),
    ],
)
def test_each_half_has_its_own_mean(number, combine, factor, loss):
    scores, hard, soft, batch = mixed_batch(number)
    head = MixedGCNHead(K, D, loss_cls=loss, combine=combine)
    losses = head.loss_by_feat(scores, batch)
    clean = head.loss_cls(scores[:number], hard)
    mixed = head.loss_cls(scores[number:], soft)
    torch.testing.assert_close(losses['loss_cls'], factor * clean)
    torch.testing.assert_close(losses['mixed_loss_cls'], factor * mixed)
    assert sum('loss' in key for key in losses) == 2


def test_the_accuracy_is_that_of_the_clean_half():
    scores, hard, _, batch = mixed_batch()
    scores[:4] = F.one_hot(torch.tensor([0, 1, 2, 5]), K) * 9.0
    losses = MixedGCNHead(K, D, topk=(1, 6)).loss_by_feat(scores, batch)
    assert losses['top1_acc'] == 0.75 and losses['top6_acc'] == 1


def test_samples_mixed_in_place_share_the_loss_of_the_clean_ones():
    """The loss is a mean over all samples; accuracy is that of clean ones."""
    scores, hard, soft, _ = mixed_batch()
    scores[:4] = F.one_hot(torch.tensor([0, 1, 2, 5]), K) * 9.0
    clean = F.one_hot(hard, K).float()
    batch = samples(clean, False) + samples(soft, True, added=False)
    losses = MixedGCNHead(K, D).loss_by_feat(scores, batch)
    expected = F.cross_entropy(scores, torch.cat([clean, soft]))
    torch.testing.assert_close(losses['loss_cls'], expected)
    assert losses.keys() == {'loss_cls', 'top1_acc', 'top5_acc'}
    assert losses['top1_acc'] == 0.75


class Terms(torch.nn.Module):
    """A loss with several terms."""

    def forward(self, cls_score, label):
        loss = F.cross_entropy(cls_score, label)
        return dict(loss_one=loss, loss_two=2 * loss)


@pytest.mark.parametrize('mixed', [None, True])
@pytest.mark.parametrize('number', [1, 4])
@pytest.mark.parametrize('smooth', [0, 0.1])
@pytest.mark.parametrize('loss', [None, Terms()])
def test_other_batches_are_those_of_the_stock_head(
    mixed, number, smooth, loss
):
    """All samples are hard and unmarked, or all are mixed in place."""
    scores, hard, soft, _ = mixed_batch(number)
    labels = soft if mixed else hard.unsqueeze(1)
    heads = [
        kind(K, D, label_smooth_eps=smooth) for kind in (MixedGCNHead, GCNHead)
    ]
    for head in heads:
        head.loss_cls = loss or head.loss_cls
    ours, stock = (
        head.loss_by_feat(scores[:number], samples(labels, mixed, False))
        for head in heads
    )
    assert ours.keys() == stock.keys()
    for key in ours:
        torch.testing.assert_close(ours[key], stock[key])


class Recorder(torch.nn.Module):
    """A loss that records its arguments."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def forward(self, cls_score, label, **kwargs):
        self.calls.append((cls_score, kwargs))
        return cls_score.sum()


@pytest.mark.parametrize('passes', [False, True])
def test_the_loss_gets_the_features_of_its_own_samples(passes):
    """Pooled, before dropout; clean and added samples are separate."""
    head = MixedGCNHead(K, D, dropout=0.5, pass_features=passes)
    head.loss_cls = Recorder()
    x = torch.randn(8, 2, D, 3, 5)
    head.loss(x, mixed_batch()[3])
    pooled = torch.stack(
        [clip.transpose(0, 1).flatten(1).mean(1) for clip in x]
    )
    assert len(head.loss_cls.calls) == 2
    for (_, kwargs), rows in zip(
        head.loss_cls.calls, pooled.split(4), strict=True
    ):
        assert kwargs.keys() == ({'features'} if passes else set())
        if passes:
            torch.testing.assert_close(kwargs['features'], rows)


def test_influence_balanced_loss_in_the_head():
    """Each half has its own mean; the features are the classifier's input."""
    loss = dict(type='mmshapmix.InfluenceBalancedLoss')
    head = MixedGCNHead(K, D, loss_cls=loss, pass_features=True)
    alone = InfluenceBalancedLoss()
    for part in (head.loss_cls, alone):
        part.set_class_counts(torch.arange(K) + 1)
    seen = []
    head.fc.register_forward_hook(lambda *args: seen.append(args[1][0]))
    x = torch.rand(8, 2, D, 3, 5)
    _, hard, soft, batch = mixed_batch()
    losses = head.loss(x, batch)
    (features,) = seen
    scores = head.fc(features)
    for key, rows, labels in (
        ('loss_cls', slice(4), hard),
        ('mixed_loss_cls', slice(4, 8), soft),
    ):
        expected = alone(scores[rows], labels, features=features[rows])
        torch.testing.assert_close(losses[key], expected)


def test_a_head_that_passes_no_features_is_named():
    loss = dict(type='mmshapmix.InfluenceBalancedLoss')
    head = MixedGCNHead(K, D, loss_cls=loss)
    head.loss_cls.set_class_counts(torch.arange(K) + 1)
    with pytest.raises(ValueError, match='pass_features=True'):
        head.loss(torch.rand(8, 2, D, 3, 5), mixed_batch()[3])


def test_it_has_the_stock_heads_weights():
    stock = GCNHead(K, D)
    head = MixedGCNHead(K, D)
    head.load_state_dict(stock.state_dict())
    x = torch.randn(2, 1, D, 3, 5)
    torch.testing.assert_close(head(x), stock(x))


def test_several_clips_of_a_sample_are_refused():
    scores, _, _, batch = mixed_batch()
    with pytest.raises(ValueError, match='one clip.*got 16 for 8 samples'):
        MixedGCNHead(K, D).loss_by_feat(scores.repeat(2, 1), batch)


def test_a_bad_combination_is_refused():
    with pytest.raises(ValueError, match="Expected `combine` .*got 'max'"):
        MixedGCNHead(K, D, combine='max')
