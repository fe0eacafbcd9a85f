"""The loss modules in MMAction2's head."""

import pytest
import torch
from mmaction.models.heads import GCNHead
from mmaction.structures import ActionDataSample

from mmshapmix.models import BalancedSoftmaxLoss, LongTailLoss

COUNTS = torch.tensor([100, 10, 1])


def data_of(vector):
    return (
        torch.tensor(vector['inputs']['logits']),
        torch.tensor(vector['inputs']['labels']),
    )


def test_balanced_softmax_is_the_vector(vectors):
    vector = vectors['balanced_softmax']
    loss = BalancedSoftmaxLoss()
    loss.set_class_counts(COUNTS)
    logits, labels = data_of(vector)
    assert loss(logits, labels).item() == pytest.approx(
        vector['expected']['loss'], rel=1e-5
    )
    soft = torch.tensor(vector['inputs']['soft_labels'])
    assert loss(logits, soft).item() == pytest.approx(
        vector['expected']['loss_soft'], rel=1e-5
    )


@pytest.mark.parametrize(
    ('reduction', 'key'), [('weighted_mean', 'loss'), ('mean', 'loss_div_N')]
)
def test_weighted_is_the_vector(vectors, reduction, key):
    vector = vectors['weighted_ce']
    logits, labels = data_of(vector)
    by_scheme = LongTailLoss(
        class_weight='inverse_frequency', reduction=reduction
    )
    by_scheme.set_class_counts(COUNTS)
    by_hand = LongTailLoss(
        class_weight=vector['expected']['class_weight'], reduction=reduction
    )
    for loss in (by_scheme, by_hand):
        assert loss(logits, labels).item() == pytest.approx(
            vector['expected'][key], rel=1e-5
        )


@pytest.mark.parametrize(
    ('tau', 'key'), [(0.5, 'loss_tau0p5'), (2.0, 'loss_tau2')]
)
def test_logit_adjustment_is_the_vector(vectors, tau, key):
    vector = vectors['logit_adjustment']
    loss = LongTailLoss(tau=tau, loss_weight=2.0)
    loss.set_class_counts(COUNTS)
    assert loss(*data_of(vector)).item() == pytest.approx(
        2 * vector['expected'][key], rel=1e-5
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
    plain.load_state_dict(module.state_dict())  # not even a buffer more
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


def test_missing_counts_say_what_to_do():
    for loss in (
        BalancedSoftmaxLoss(),
        LongTailLoss(class_weight='inverse_frequency'),
    ):
        with pytest.raises(RuntimeError, match='mmshapmix.ClassCountsHook'):
            loss(torch.zeros(1, 3), torch.tensor([0]))
    # Plain cross-entropy needs none.
    assert LongTailLoss()(torch.zeros(1, 3), torch.tensor([0])) > 1


def test_bad_options():
    with pytest.raises(ValueError, match="`reduction`.*'sum'"):
        LongTailLoss(reduction='sum')
    loss = BalancedSoftmaxLoss()
    with pytest.raises(ValueError, match=r'classes \[1\] have none'):
        loss.set_class_counts(torch.tensor([3, 0]))
