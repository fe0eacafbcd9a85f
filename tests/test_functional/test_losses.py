"""Losses against the vectors, gradients, and limiting cases."""

import pytest
import torch
import torch.nn.functional as F

from mmshapmix.functional.class_weights import action_aware, inverse_frequency
from mmshapmix.functional.losses import (
    adjust_logits,
    cross_entropy,
    influence_factor,
    log_prior,
    mixed_cross_entropy,
    reduce_loss,
    soft_labels,
)

from ..vectors import assert_is, double, tensors


def test_cross_entropy_is_the_vector(vectors):
    vector = vectors['ce']
    logits, labels, _ = tensors(vector)
    loss, weight = cross_entropy(logits, labels)
    assert_is(loss, vector['expected']['per_sample'])
    for reduction in ('mean', 'weighted_mean'):
        assert_is(
            reduce_loss(loss, weight, reduction), vector['expected']['loss']
        )


def test_weighted_cross_entropy_is_the_vector(vectors):
    vector = vectors['weighted_ce']
    logits, labels, counts = tensors(vector)
    weights = inverse_frequency(counts)
    assert_is(weights, vector['expected']['class_weight'])
    loss, weight = cross_entropy(logits, labels, weights)
    assert_is(
        reduce_loss(loss, weight, 'weighted_mean'), vector['expected']['loss']
    )
    assert_is(
        reduce_loss(loss, weight, 'mean'), vector['expected']['loss_div_N']
    )


def test_action_aware_loss_is_the_vector(vectors):
    vector = vectors['brl.aa_loss']
    expected = vector['expected']
    logits, labels, counts = tensors(vector)
    weight = action_aware(counts)
    assert_is(weight, expected['gamma_raw'])
    loss = cross_entropy(logits, labels, weight)
    assert_is(reduce_loss(*loss), expected['loss_weighted_mean'])
    assert_is(reduce_loss(*loss, 'mean'), expected['loss_eq10_mean_N'])


def test_balanced_softmax_is_the_vector(vectors):
    vector = vectors['balanced_softmax']
    expected = vector['expected']
    logits, labels, counts = tensors(vector)
    logits.requires_grad_()
    prior = log_prior(counts)
    loss, weight = cross_entropy(adjust_logits(logits, prior), labels)
    assert_is(loss, expected['per_sample'])
    assert_is(reduce_loss(loss, weight), expected['loss'])
    (grad,) = torch.autograd.grad(reduce_loss(loss, weight), logits)
    assert_is(grad, expected['grad_logits'])
    soft = torch.tensor(vector['inputs']['soft_labels'], dtype=torch.float64)
    loss, weight = cross_entropy(adjust_logits(logits, prior), soft)
    assert_is(loss, expected['per_sample_soft'])
    assert_is(reduce_loss(loss, weight, 'mean'), expected['loss_soft'])


def test_logit_adjustment_is_the_vector(vectors):
    vector = vectors['logit_adjustment']
    expected = vector['expected']
    logits, labels, counts = tensors(vector)
    prior = log_prior(counts)
    assert_is(prior.exp(), expected['prior'])
    for tau, key in ((1, 'loss_tau1'), (0.5, 'loss_tau0p5'), (2, 'loss_tau2')):
        loss, weight = cross_entropy(adjust_logits(logits, prior, tau), labels)
        assert_is(reduce_loss(loss, weight), expected[key])
    posthoc = adjust_logits(logits, prior, tau=-1)
    assert_is(posthoc, expected['posthoc_logits_tau1'])
    assert posthoc.argmax(1).tolist() == expected['posthoc_pred_tau1']


@pytest.mark.parametrize('attached', [True, False])
def test_influence_balanced_loss_is_the_vector(vectors, attached):
    vector = vectors['ib']
    expected = vector['expected']
    logits, labels, counts = tensors(vector)
    logits.requires_grad_()
    features = double(vector['inputs']['feats'])
    factor = influence_factor(logits, labels, features)
    weight = inverse_frequency(counts, normalize=True)
    loss, _ = cross_entropy(logits, labels, weight)
    value = (loss * (factor if attached else factor.detach())).mean()
    assert_is(value, expected['loss'])
    (grad,) = torch.autograd.grad(value, logits)
    kind = 'attached' if attached else 'detached'
    assert_is(grad, expected[f'grad_logits_{kind}'])


def test_influence_is_the_gradient_of_a_linear_classifier():
    """The influence is the l1 norm of the gradient, also for mixed labels."""
    torch.manual_seed(0)
    classifier = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    features = torch.randn(5, 3, dtype=torch.float64)
    soft = torch.rand(5, 4, dtype=torch.float64).softmax(1)
    logits = features @ classifier.T
    loss, _ = cross_entropy(logits, soft)
    for i, factor in enumerate(influence_factor(logits, soft, features, 7, 2)):
        (grad,) = torch.autograd.grad(loss[i], classifier, retain_graph=True)
        torch.testing.assert_close(factor, 7 / (grad.abs().sum() + 2))


def test_mixed_label_reductions_are_the_vector(vectors):
    vector = vectors['mixed_label.weighted']
    expected = vector['expected']
    logits, labels, _ = tensors(vector)
    partner = torch.tensor(vector['inputs']['labels_b'])
    lam = vector['params']['lam']
    weights = torch.tensor(
        vector['params']['class_weight'], dtype=torch.float64
    )
    names = dict(
        two_term='two_term_weighted_means',
        weighted_mean='soft_label_weighted_mean',
        mean='soft_label_div_N',
    )
    for reduction, key in names.items():
        assert_is(
            mixed_cross_entropy(
                logits, labels, partner, lam, weights, reduction
            ),
            expected[key],
        )
        assert_is(
            mixed_cross_entropy(logits, labels, partner, lam, None, reduction),
            expected['two_term_unweighted'],
        )


def test_two_terms_by_a_naive_loop():
    torch.manual_seed(0)
    logits = torch.randn(5, 4, dtype=torch.float64)
    a, b = torch.randint(4, (5,)), torch.randint(4, (5,))
    lam = torch.rand(5, dtype=torch.float64)
    w = torch.rand(4, dtype=torch.float64) + 0.1
    probs = logits.softmax(1)
    top = [0.0, 0.0]
    bottom = [0.0, 0.0]
    for i in range(5):
        for t, (y, share) in enumerate(((a[i], lam[i]), (b[i], 1 - lam[i]))):
            top[t] += share * w[y] * -probs[i, y].log()
            bottom[t] += w[y]
    naive = top[0] / bottom[0] + top[1] / bottom[1]
    torch.testing.assert_close(
        mixed_cross_entropy(logits, a, b, lam, w, 'two_term'), naive
    )


@pytest.mark.parametrize('weighted', [False, True])
def test_pytorch_agrees(weighted):
    torch.manual_seed(1)
    logits, labels = torch.randn(6, 5), torch.randint(5, (6,))
    w = torch.rand(5) + 0.1 if weighted else None
    ours = reduce_loss(*cross_entropy(logits, labels, w))
    torch.testing.assert_close(ours, F.cross_entropy(logits, labels, weight=w))


@pytest.mark.parametrize('gamma', [0, 2])
def test_soft_one_hot_equals_hard(gamma):
    torch.manual_seed(2)
    logits, labels = torch.randn(6, 5), torch.randint(5, (6,))
    w = torch.rand(5)
    for hard, soft in zip(
        cross_entropy(logits, labels, w, gamma),
        cross_entropy(logits, F.one_hot(labels, 5).float(), w, gamma),
        strict=True,
    ):
        torch.testing.assert_close(hard, soft)


def test_permuted_classes_give_the_same_loss():
    torch.manual_seed(3)
    logits, labels = torch.randn(6, 4), torch.randint(4, (6,))
    counts = torch.tensor([100, 3, 40, 7])
    order = torch.tensor([2, 0, 3, 1])  # new class k is old class order[k]
    renamed = order.argsort()[labels]
    for weights in (False, True):
        values = []
        for z, y, n in (
            (logits, labels, counts),
            (logits[:, order], renamed, counts[order]),
        ):
            w = inverse_frequency(n) if weights else None
            values.append(
                reduce_loss(
                    *cross_entropy(adjust_logits(z, log_prior(n)), y, w)
                )
            )
        torch.testing.assert_close(values[0], values[1])


def test_finite_for_extreme_logits():
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]])
    prior = log_prior(torch.tensor([1000, 1, 1]))
    loss, _ = cross_entropy(adjust_logits(logits, prior), torch.tensor([1, 1]))
    assert torch.isfinite(loss).all()


def test_uniform_counts_change_nothing():
    torch.manual_seed(4)
    logits, labels = torch.randn(6, 4), torch.randint(4, (6,))
    prior = log_prior(torch.full((4,), 9))
    torch.testing.assert_close(
        cross_entropy(adjust_logits(logits, prior), labels)[0],
        cross_entropy(logits, labels)[0],
    )


def test_arguments_are_left_alone():
    logits, soft = torch.randn(2, 3), torch.full((2, 3), 1 / 3)
    w, kept = torch.tensor([1.0, 2.0, 3.0]), soft.clone()
    cross_entropy(logits, soft, w)
    assert torch.equal(soft, kept)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r'classes \[1\] have none'):
        log_prior(torch.tensor([5, 0]))
    with pytest.raises(ValueError, match=r'\(N, 3\), but got \(2, 4\)'):
        soft_labels(torch.zeros(2, 4), 3)
    with pytest.raises(ValueError, match="'mean', 'weighted_mean'.*'sum'"):
        reduce_loss(torch.ones(1), torch.ones(1), 'sum')
