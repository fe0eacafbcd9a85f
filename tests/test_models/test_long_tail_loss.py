"""The loss modules in MMAction2's head."""

import pytest
import torch
import torch.nn.functional as F
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample

from mmshapmix.models import BalancedSoftmaxLoss, LongTailLoss

COUNTS = torch.tensor([100, 10, 1])


@pytest.mark.parametrize(
    ('reduction', 'key'), [('weighted_mean', 'loss'), ('mean', 'loss_div_N')]
)
def test_weights_by_hand(vectors, reduction, key):
    vector = vectors['weighted_ce']
    weight = vector['expected']['class_weight']
    loss = LongTailLoss(class_weight=weight, reduction=reduction)
    logits, labels = (
        torch.tensor(vector['inputs'][name]) for name in ('logits', 'labels')
    )
    assert loss(logits, labels).item() == pytest.approx(
        vector['expected'][key], rel=1e-5
    )


def head(loss):
    torch.manual_seed(0)
    return GCNHead(num_classes=3, in_channels=4, loss_cls=loss)


def test_the_head_logs_top_1_and_trains_without_the_prior_at_test():
    module = head(dict(type='mmshapmix.BalancedSoftmaxLoss'))
    module.loss_cls.set_class_counts(COUNTS)
    feats = torch.randn(2, 1, 4, 5, 6)
    samples = [ActionDataSample().set_gt_label(k) for k in (0, 2)]
    losses = module.loss(feats, samples)
    assert set(losses) == {'top1_acc', 'top5_acc', 'loss_cls'}
    plain = head(dict(type='CrossEntropyLoss'))
    plain.load_state_dict(module.state_dict())  # no additional buffer, either
    with torch.no_grad():
        for a, b in zip(
            module.predict(feats, samples),
            plain.predict(feats, samples),
            strict=True,
        ):
            torch.testing.assert_close(a.pred_score, b.pred_score)


def test_half_precision_scores_give_a_float_loss():
    loss = BalancedSoftmaxLoss()
    loss.set_class_counts(torch.tensor([100000, 10, 1]))
    scores = torch.tensor([[1.0, 2.0, 3.0]])
    exact = loss(scores, torch.tensor([2]))
    half = loss(scores.half(), torch.tensor([2]))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, exact)


def test_plain_it_is_cross_entropy_without_counts():
    logits, labels = torch.randn(5, 3), torch.arange(5) % 3
    torch.testing.assert_close(
        LongTailLoss()(logits, labels), F.cross_entropy(logits, labels)
    )


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(reduction='sum'), "`reduction`.*'sum'"),
        (dict(criterion='hinge'), "`criterion` .*got 'hinge'"),
        (dict(gamma=-1), '`gamma` of at least 0, but got -1'),
        (
            dict(class_weight='sqrt'),
            "'inverse_frequency', .*'action_aware'.*got 'sqrt'",
        ),
        (
            dict(class_weight=dict(scheme='action_aware', upsilon=2)),
            'sum below 1, but got 2',
        ),
        (dict(class_weight=dict(upsilon=0.9)), '`class_weight`.*got None'),
    ],
)
def test_bad_options_are_refused_early(options, message):
    with pytest.raises(ValueError, match=message):
        LongTailLoss(**options)
