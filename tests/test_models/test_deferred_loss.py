"""Deferred and action-aware losses as modules."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope

from mmshapmix.models import ActionAwareLoss, DeferredLoss, LongTailLoss
from mmshapmix.registry import MODELS

COUNTS = torch.tensor([100, 10, 1])
LATE = dict(type='mmshapmix.ActionAwareLoss')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def data_of(vector):
    logits, labels = (vector['inputs'][key] for key in ('logits', 'labels'))
    return torch.tensor(logits), torch.tensor(labels)


@pytest.mark.parametrize(
    ('reduction', 'key'),
    [('weighted_mean', 'loss_weighted_mean'), ('mean', 'loss_eq10_mean_N')],
)
def test_action_aware_loss_is_the_vector(vectors, reduction, key):
    vector = vectors['brl.aa_loss']
    loss = ActionAwareLoss(reduction=reduction)
    loss.set_class_counts(COUNTS)
    assert loss(*data_of(vector)).item() == pytest.approx(
        vector['expected'][key], rel=1e-5
    )


def test_soft_one_hot_equals_hard(vectors):
    logits, labels = data_of(vectors['brl.aa_loss'])
    loss = ActionAwareLoss(upsilon=0.9, lam=0.09)
    loss.set_class_counts(COUNTS)
    soft = F.one_hot(labels, 3).float()
    torch.testing.assert_close(loss(logits, soft), loss(logits, labels))


def test_its_two_parameters_matter(vectors):
    data = data_of(vectors['brl.aa_loss'])
    values = set()
    for upsilon, lam in ((0.99, 0.0099), (0.9, 0.0099), (0.99, 0.0)):
        loss = ActionAwareLoss(upsilon, lam)
        loss.set_class_counts(COUNTS)
        values.add(round(loss(*data).item(), 5))
    assert len(values) == 3


def test_one_loss_and_then_the_other(vectors):
    logits, labels = data_of(vectors['brl.aa_loss'])
    loss = DeferredLoss(late=LATE, early=dict(type='CrossEntropyLoss'))
    loss.late.set_class_counts(COUNTS)
    late = ActionAwareLoss()
    late.set_class_counts(COUNTS)
    loss.is_late = False
    plain = F.cross_entropy(logits, labels)
    torch.testing.assert_close(loss(logits, labels), plain)
    loss.is_late = True
    torch.testing.assert_close(loss(logits, labels), late(logits, labels))
    # And back again, unchanged, however often.
    for is_late, expected in ((False, plain), (True, late(logits, labels))):
        loss.is_late = is_late
        torch.testing.assert_close(loss(logits, labels), expected)


@pytest.mark.parametrize(
    'late',
    [
        dict(type='mmshapmix.LongTailLoss', gamma=2.0),
        dict(type='mmshapmix.LongTailLoss', class_weight='inverse_frequency'),
        dict(type='mmshapmix.BalancedSoftmaxLoss'),
        dict(type='CrossEntropyLoss', class_weight=[1.0, 2.0, 3.0]),
        LATE,
    ],
)
def test_any_loss_may_be_the_late_one(vectors, late):
    logits, labels = data_of(vectors['brl.aa_loss'])
    loss, alone = DeferredLoss(late=late), MODELS.build(late)
    for module in (*loss.modules(), alone):
        if hasattr(module, 'set_class_counts'):
            module.set_class_counts(COUNTS)
    assert isinstance(loss.early, LongTailLoss)
    loss.is_late = True
    torch.testing.assert_close(loss(logits, labels), alone(logits, labels))
    assert loss(logits, labels) != F.cross_entropy(logits, labels)


def test_nobody_has_said_the_stage():
    with pytest.raises(RuntimeError, match='mmshapmix.DeferredLossHook'):
        DeferredLoss(late=LATE)(torch.zeros(1, 3), torch.tensor([0]))


@pytest.mark.parametrize(
    ('weight', 'message'),
    [
        ('sqrt', "'inverse_frequency', .*'action_aware'.*got 'sqrt'"),
        (dict(scheme='action_aware', upsilon=2), 'sum below 1, but got 2'),
        (dict(upsilon=0.9), '`class_weight`.*got None'),
    ],
)
def test_bad_class_weights_are_refused_early(weight, message):
    with pytest.raises(ValueError, match=message):
        LongTailLoss(class_weight=weight)


def test_a_negative_focus_is_refused():
    with pytest.raises(ValueError, match='`gamma` of at least 0, but got -1'):
        LongTailLoss(gamma=-1)
