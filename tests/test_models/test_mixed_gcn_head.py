"""The head's losses against the same losses computed apart."""

import pytest
import torch
import torch.nn.functional as F
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.models.heads import MixedGCNHead

K = 6


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def samples(labels, mixed=None, added=None):
    """Marked as a mixer does, or, without marks, as without one."""
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
    head = MixedGCNHead(K, 8, loss_cls=loss, combine=combine)
    losses = head.loss_by_feat(scores, batch)
    clean = head.loss_cls(scores[:number], hard)
    mixed = head.loss_cls(scores[number:], soft)
    torch.testing.assert_close(losses['loss_cls'], factor * clean)
    torch.testing.assert_close(losses['mixed_loss_cls'], factor * mixed)
    assert sum('loss' in key for key in losses) == 2


def test_the_accuracy_is_that_of_the_clean_half():
    scores, hard, _, batch = mixed_batch()
    scores[:4] = F.one_hot(torch.tensor([0, 1, 2, 5]), K) * 9.0
    losses = MixedGCNHead(K, 8, topk=(1, 6)).loss_by_feat(scores, batch)
    assert losses['top1_acc'] == 0.75 and losses['top6_acc'] == 1


def test_samples_mixed_in_place_share_the_loss_of_the_clean_ones():
    """One mean over all, and the accuracy of the clean ones."""
    scores, hard, soft, _ = mixed_batch()
    scores[:4] = F.one_hot(torch.tensor([0, 1, 2, 5]), K) * 9.0
    clean = F.one_hot(hard, K).float()
    batch = samples(clean, False) + samples(soft, True, added=False)
    losses = MixedGCNHead(K, 8).loss_by_feat(scores, batch)
    expected = F.cross_entropy(scores, torch.cat([clean, soft]))
    torch.testing.assert_close(losses['loss_cls'], expected)
    assert losses.keys() == {'loss_cls', 'top1_acc', 'top5_acc'}
    assert losses['top1_acc'] == 0.75


@pytest.mark.parametrize('mixed', [None, True])
def test_other_batches_are_those_of_the_stock_head(mixed):
    """All hard and unmarked, or all mixed in place."""
    scores, hard, soft, _ = mixed_batch()
    labels = soft if mixed else hard.unsqueeze(1)
    ours, stock = (
        kind(K, 8).loss_by_feat(scores[:4], samples(labels, mixed, False))
        for kind in (MixedGCNHead, GCNHead)
    )
    assert ours.keys() == stock.keys()
    for key in ours:
        torch.testing.assert_close(ours[key], stock[key])


def test_it_has_the_stock_heads_weights():
    stock = GCNHead(K, 8)
    head = MixedGCNHead(K, 8)
    head.load_state_dict(stock.state_dict())
    x = torch.randn(2, 1, 8, 3, 5)
    torch.testing.assert_close(head(x), stock(x))


def test_several_clips_of_a_sample_are_refused():
    scores, _, _, batch = mixed_batch()
    with pytest.raises(ValueError, match='one clip.*got 16 for 8 samples'):
        MixedGCNHead(K, 8).loss_by_feat(scores.repeat(2, 1), batch)


def test_a_bad_combination_is_refused():
    with pytest.raises(ValueError, match="Expected `combine` .*got 'max'"):
        MixedGCNHead(K, 8, combine='max')
