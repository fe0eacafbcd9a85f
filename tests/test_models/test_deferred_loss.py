"""Deferred and action-aware losses as modules."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope

from mmshapmix.models import (
    ActionAwareLoss,
    DeferredLoss,
    InfluenceBalancedLoss,
    LongTailLoss,
)
from mmshapmix.registry import MODELS

COUNTS = torch.tensor([100, 10, 1])
LATE = dict(type='mmshapmix.ActionAwareLoss')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def data_of(vector):
    logits, labels = (vector['inputs'][key] for key in ('logits', 'labels'))
    return torch.tensor(logits), torch.tensor(labels)


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
    # The stages can be changed back any number of times.
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


def test_ldam_drw_is_a_deferred_loss(vectors):
    """The same loss, with class weights only in the second stage."""
    vector = vectors['ldam']
    ldam = dict(type='mmshapmix.LDAMLoss')
    weight = dict(scheme='class_balanced', beta=0.9999)
    loss = DeferredLoss(early=ldam, late=dict(ldam, class_weight=weight))
    for part in (loss.early, loss.late):
        part.set_class_counts(COUNTS)
    logits = torch.tensor(vector['inputs']['cosine_logits'])
    labels = torch.tensor(vector['inputs']['labels'])
    for is_late, key in ((False, 'loss_stage1'), (True, 'loss_stage2')):
        loss.is_late = is_late
        assert loss(logits, labels).item() == pytest.approx(
            vector['expected'][key], rel=1e-5
        )


def test_what_the_head_passes_on_reaches_both_losses(vectors):
    logits, labels = data_of(vectors['ib'])
    features = torch.tensor(vectors['ib']['inputs']['feats'])
    late = dict(type='mmshapmix.InfluenceBalancedLoss')
    loss, alone = DeferredLoss(late=late), InfluenceBalancedLoss()
    for part in (loss.late, alone):
        part.set_class_counts(COUNTS)
    loss.is_late = False  # cross-entropy, which ignores features
    torch.testing.assert_close(
        loss(logits, labels, features=features),
        F.cross_entropy(logits, labels),
    )
    loss.is_late = True
    torch.testing.assert_close(
        loss(logits, labels, features=features),
        alone(logits, labels, features=features),
    )


def test_nobody_has_said_the_stage():
    with pytest.raises(RuntimeError, match='mmshapmix.DeferredLossHook'):
        DeferredLoss(late=LATE)(torch.zeros(1, 3), torch.tensor([0]))
