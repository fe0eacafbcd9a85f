"""Losses with margins, scales and other activations, as modules."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope

from mmshapmix.models import DeferredLoss, GumbelLoss, KPSLoss, LDAMLoss
from mmshapmix.models import LongTailLoss as Loss

COUNTS = torch.tensor([100, 10, 1])
DRW = dict(scheme='class_balanced', beta=0.9999)
# Vector, its expected value, the loss.
ROWS = [
    ('ldam', 'loss_stage1', lambda: LDAMLoss()),
    ('ldam', 'loss_stage1_s1', lambda: LDAMLoss(scale=1)),
    ('ldam', 'loss_stage2', lambda: LDAMLoss(class_weight=DRW)),
    ('kps', 'loss_stage1', lambda: KPSLoss()),
    ('kps', 'loss_stage2_GA', lambda: KPSLoss(adjust_gradients=True)),
    ('gumbel_ce', 'loss_sum_over_C_mean_N', lambda: GumbelLoss()),
    (
        'focal',
        'sigmoid_gamma2_over_N',
        lambda: Loss(criterion='sigmoid', gamma=2),
    ),
    (
        'cb.beta0.9',
        'sigmoid',
        lambda: Loss(
            criterion='sigmoid',
            class_weight=DRW | dict(beta=0.9),
            reduction='mean',
        ),
    ),
    (
        'cb.beta0.99',
        'softmax_weighted_mean',
        lambda: Loss(class_weight=DRW | dict(beta=0.99)),
    ),
    (
        'cb.beta0.999',
        'focal_gamma1',
        lambda: Loss(
            criterion='sigmoid',
            gamma=1,
            class_weight=DRW | dict(beta=0.999),
            reduction='mean',
        ),
    ),
]


def data_of(vector):
    inputs = vector['inputs']
    logits = inputs.get('cosine_logits', inputs.get('logits'))
    return torch.tensor(logits), torch.tensor(inputs['labels'])


@pytest.mark.parametrize(('name', 'key', 'make'), ROWS)
def test_a_loss_is_its_vector(vectors, name, key, make):
    loss = make()
    loss.set_class_counts(
        torch.tensor(vectors[name]['inputs']['class_counts'])
    )
    logits, labels = data_of(vectors[name])
    expected = pytest.approx(vectors[name]['expected'][key], rel=1e-5)
    assert loss(logits, labels).item() == expected
    soft = F.one_hot(labels, logits.shape[1]).float()
    assert loss(logits, soft).item() == expected


@pytest.mark.parametrize('make', [row[2] for row in ROWS])
def test_renamed_classes_give_the_same_loss(make):
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 4), torch.randint(4, (6,))
    counts = torch.tensor([40, 3, 100, 3])
    order = torch.tensor([2, 0, 3, 1])
    values = []
    for z, y, n in (
        (logits, labels, counts),
        (logits[:, order], order.argsort()[labels], counts[order]),
    ):
        loss = make()
        loss.set_class_counts(n)
        values.append(loss(z, y))
    torch.testing.assert_close(values[0], values[1])


@pytest.mark.parametrize('kind', [LDAMLoss, KPSLoss])
def test_counts_that_nobody_set(kind):
    with pytest.raises(RuntimeError, match=f'class counts in {kind.__name__}'):
        kind()(torch.zeros(1, 3), torch.tensor([0]))


def test_ldam_drw_is_a_deferred_loss(vectors):
    init_default_scope('mmaction')
    vector = vectors['ldam']
    loss = DeferredLoss(
        early=dict(type='mmshapmix.LDAMLoss'),
        late=dict(type='mmshapmix.LDAMLoss', class_weight=DRW),
    )
    for part in (loss.early, loss.late):
        part.set_class_counts(COUNTS)
    for is_late, key in ((False, 'loss_stage1'), (True, 'loss_stage2')):
        loss.is_late = is_late
        assert loss(*data_of(vector)).item() == pytest.approx(
            vector['expected'][key], rel=1e-5
        )


def test_an_unknown_criterion_is_refused():
    with pytest.raises(ValueError, match="`criterion` .*got 'hinge'"):
        Loss(criterion='hinge')
