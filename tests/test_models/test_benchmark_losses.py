"""Properties of every loss of the benchmark, in one table."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from mmshapmix.models import (
    ActionAwareLoss,
    BalancedSoftmaxLoss,
    EqualizationLoss,
    GumbelLoss,
    InfluenceBalancedLoss,
    KPSLoss,
    LDAMLoss,
    LongTailLoss,
)

K, D = 4, 5
# Not sorted; one class has a single sample.
COUNTS = torch.tensor([40, 3, 100, 1])


class Row(NamedTuple):
    """A loss, its vector, and the vector's keys of value and gradient."""

    make: Callable[..., LongTailLoss]
    vector: str
    value: str
    gradient: str | None = None


def class_balanced(beta):
    return dict(scheme='class_balanced', beta=beta)


by_class = partial(LongTailLoss, class_weight='inverse_frequency')
binary = partial(LongTailLoss, criterion='sigmoid')
# The smallest classes of the vector, and of COUNTS.
equal = partial(EqualizationLoss, tail_share=0.1)

LOSSES = {
    'weighted': Row(by_class, 'weighted_ce', 'loss'),
    'weighted, mean': Row(
        partial(by_class, reduction='mean'), 'weighted_ce', 'loss_div_N'
    ),
    'focal': Row(
        partial(LongTailLoss, gamma=2),
        'focal',
        'softmax_gamma2',
        'grad_logits_softmax_gamma2',
    ),
    'focal sigmoid': Row(
        partial(binary, gamma=2), 'focal', 'sigmoid_gamma2_over_N'
    ),
    'class-balanced': Row(
        partial(LongTailLoss, class_weight=class_balanced(0.99)),
        'cb.beta0.99',
        'softmax_weighted_mean',
    ),
    'class-balanced sigmoid': Row(
        partial(binary, class_weight=class_balanced(0.9), reduction='mean'),
        'cb.beta0.9',
        'sigmoid',
    ),
    'class-balanced focal': Row(
        partial(
            binary,
            gamma=1,
            class_weight=class_balanced(0.999),
            reduction='mean',
        ),
        'cb.beta0.999',
        'focal_gamma1',
    ),
    'ldam': Row(LDAMLoss, 'ldam', 'loss_stage1', 'grad_logits_stage1'),
    'ldam, unscaled': Row(
        partial(LDAMLoss, scale=1), 'ldam', 'loss_stage1_s1'
    ),
    'ldam, class-balanced': Row(
        partial(LDAMLoss, class_weight=class_balanced(0.9999)),
        'ldam',
        'loss_stage2',
    ),
    'logit adjustment': Row(
        partial(LongTailLoss, tau=0.5), 'logit_adjustment', 'loss_tau0p5'
    ),
    'logit adjustment, strong': Row(
        partial(LongTailLoss, tau=2), 'logit_adjustment', 'loss_tau2'
    ),
    'balanced softmax': Row(
        BalancedSoftmaxLoss, 'balanced_softmax', 'loss', 'grad_logits'
    ),
    'equalization': Row(
        partial(equal, drop_prob=1), 'eql.softmax', 'loss_gamma1'
    ),
    'equalization, none dropped': Row(
        partial(equal, drop_prob=0), 'eql.softmax', 'loss_gamma0'
    ),
    'equalization sigmoid': Row(
        partial(equal, drop_prob=1, criterion='sigmoid'), 'eql.sigmoid', 'loss'
    ),
    'gumbel': Row(GumbelLoss, 'gumbel_ce', 'loss_sum_over_C_mean_N'),
    'kps': Row(KPSLoss, 'kps', 'loss_stage1'),
    'kps, second stage': Row(
        partial(KPSLoss, adjust_gradients=True), 'kps', 'loss_stage2_GA'
    ),
    'influence-balanced': Row(
        InfluenceBalancedLoss, 'ib', 'loss', 'grad_logits_attached'
    ),
    'influence-balanced, detached': Row(
        partial(InfluenceBalancedLoss, detach=True),
        'ib',
        'loss',
        'grad_logits_detached',
    ),
    'influence-balanced, unweighted': Row(
        partial(InfluenceBalancedLoss, alpha=1, class_weight=None),
        'ib',
        'loss_alpha1_noweight',
    ),
    'action-aware': Row(ActionAwareLoss, 'brl.aa_loss', 'loss_weighted_mean'),
    'action-aware, mean': Row(
        partial(ActionAwareLoss, reduction='mean'),
        'brl.aa_loss',
        'loss_eq10_mean_N',
    ),
}
NO_COUNTS = (
    'focal',
    'focal sigmoid',
    'gumbel',
    'influence-balanced, unweighted',
)
every_loss = pytest.mark.parametrize('name', LOSSES)
counting_loss = pytest.mark.parametrize(
    'name', [name for name in LOSSES if name not in NO_COUNTS]
)


def make(name, counts=COUNTS, **options):
    loss = LOSSES[name].make(**options)
    loss.set_class_counts(counts)
    return loss


def batch(number=6):
    """Logits, all labels, and features for losses that use them."""
    torch.manual_seed(0)
    features = dict(features=torch.rand(number, D))
    return torch.randn(number, K), torch.arange(number) % K, features


def batch_of(vector):
    inputs = vector['inputs']
    logits = inputs.get('cosine_logits', inputs.get('logits'))
    features = inputs.get('feats')
    return (
        torch.tensor(logits),
        torch.tensor(inputs['labels']),
        {} if features is None else dict(features=torch.tensor(features)),
    )


def gradient(value, logits):
    return torch.autograd.grad(value, logits)[0]


@every_loss
def test_a_loss_is_its_vector(vectors, name):
    _, key, value, grad = LOSSES[name]
    inputs, expected = vectors[key]['inputs'], vectors[key]['expected']
    loss = make(name, torch.tensor(inputs['class_counts']))
    logits, labels, features = batch_of(vectors[key])
    logits.requires_grad_()
    actual = loss(logits, labels, **features)
    assert actual.item() == pytest.approx(expected[value], rel=1e-5)
    if grad:
        torch.testing.assert_close(
            gradient(actual, logits),
            torch.tensor(expected[grad]),
            rtol=1e-5,
            atol=1e-6,
        )


def test_balanced_softmax_of_soft_labels_is_the_vector(vectors):
    vector = vectors['balanced_softmax']
    inputs = vector['inputs']
    loss = make('balanced softmax', torch.tensor(inputs['class_counts']))
    value = loss(batch_of(vector)[0], torch.tensor(inputs['soft_labels']))
    expected = vector['expected']['loss_soft']
    assert value.item() == pytest.approx(expected, rel=1e-5)


@every_loss
def test_soft_one_hot_equals_hard(name):
    logits, labels, features = batch()
    loss = make(name)
    soft = F.one_hot(labels, K).float()
    torch.testing.assert_close(
        loss(logits, soft, **features), loss(logits, labels, **features)
    )


@every_loss
def test_renamed_classes_give_the_same_loss(name):
    logits, labels, features = batch()
    order = torch.tensor([2, 0, 3, 1])  # new class k is old class order[k]
    renamed = order.argsort()[labels]
    torch.testing.assert_close(
        make(name, COUNTS[order])(logits[:, order], renamed, **features),
        make(name)(logits, labels, **features),
    )


@every_loss
def test_a_loss_does_not_change_by_being_used(name):
    """Nor if the counts are set again, as before each test."""
    logits, labels, features = batch()
    loss = make(name)
    first = loss(logits, labels, **features)
    assert torch.equal(loss(logits, labels, **features), first)
    loss.set_class_counts(COUNTS)
    assert torch.equal(loss(logits, labels, **features), first)


@every_loss
def test_the_loss_weight_is_a_factor(name):
    logits, labels, features = batch()
    torch.testing.assert_close(
        make(name, loss_weight=2.0)(logits, labels, **features),
        2 * make(name)(logits, labels, **features),
    )


@every_loss
def test_finite_for_extreme_logits(name):
    """Extremely right and wrong logits for each class."""
    _, labels, features = batch(2 * K)
    signs = F.one_hot(labels, K) * 2 - 1
    signs[K:] *= -1
    logits = (1e4 * signs).requires_grad_()
    value = make(name)(logits, labels, **features)
    assert torch.isfinite(value) and value > 0
    assert torch.isfinite(gradient(value, logits)).all()


@counting_loss
def test_a_class_without_samples_is_refused(name):
    with pytest.raises(ValueError, match=r'classes \[1\] have none'):
        make(name, torch.tensor([3, 0, 2, 1]))


@counting_loss
def test_counts_that_nobody_set(name):
    loss = LOSSES[name].make()
    kind = type(loss).__name__
    with pytest.raises(RuntimeError, match=f'class counts in {kind}.*Hook'):
        loss(*batch()[:2])


@pytest.mark.parametrize('name', NO_COUNTS)
def test_these_need_no_counts(name):
    logits, labels, features = batch()
    values = [
        loss(logits, labels, **features)
        for loss in (
            LOSSES[name].make(),
            make(name, torch.tensor([3, 0, 2, 1])),
        )
    ]
    assert torch.equal(*values)


@pytest.mark.parametrize('kind', [LDAMLoss, KPSLoss])
def test_no_prior_is_added_to_cosines(kind):
    with pytest.raises(ValueError, match='no `tau` .*, but got 0.5: its'):
        kind(tau=0.5)


@pytest.mark.parametrize(
    'kind', [LDAMLoss, KPSLoss, GumbelLoss, InfluenceBalancedLoss]
)
def test_a_criterion_of_its_own_is_not_replaced(kind):
    with pytest.raises(TypeError, match='criterion'):
        kind(criterion='sigmoid')


@pytest.mark.parametrize('kind', [LDAMLoss, KPSLoss, equal, GumbelLoss])
def test_a_focus_goes_with_each(kind):
    """As the naive factor (1 - p)^gamma; none where the loss is large."""
    logits, labels, _ = batch()
    plain, focal = kind(), kind(gamma=2)
    values = []
    for loss in (plain, focal):
        loss.set_class_counts(COUNTS)
        loss.step_seed = (0,)
        values.append(loss.label_losses(logits))
    if kind is not GumbelLoss:  # a sum of binary losses, see test_criteria.py
        values[0] *= (1 - (-values[0]).exp()) ** 2
        torch.testing.assert_close(*values, rtol=1e-4, atol=1e-6)
    assert (focal(logits, labels) < plain(logits, labels)).all()


class Copies(TorchDispatchMode):
    """Refuses to copy a tensor from the CPU, for which a GPU would wait."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._to_copy.default:
            assert args[0].device.type != 'cpu' or not kwargs.get('device')
        return func(*args, **(kwargs or {}))


@every_loss
def test_a_step_does_not_wait_for_the_gpu(name):
    """The meta device has no values, so asking for one would fail."""
    loss = make(name).to('meta')
    logits, labels, features = batch()
    features = {key: value.to('meta') for key, value in features.items()}
    logits = logits.to('meta').requires_grad_()
    for targets in (labels, F.one_hot(labels, K).float()):
        there = targets.to('meta')
        with Copies():
            value = loss(logits, there, **features)
    assert value.device.type == 'meta' and value.shape == ()
