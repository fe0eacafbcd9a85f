"""Criteria against the vectors, naive loops, gradients and limiting cases."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from mmshapmix.functional import criteria
from mmshapmix.functional.losses import reduce_loss, weigh_labels
from mmshapmix.functional.one_vs_all import gumbel_logs

from ..vectors import assert_is, double, tensors

MARGINS = torch.tensor([0.1, 0.4, 0.0, 0.2, 0.3], dtype=torch.float64)
SCALES = torch.tensor([2.0, 1.0, 3.0, 1.5, 0.5], dtype=torch.float64)
KEPT = torch.tensor(
    [[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 0, 1, 1]]
).bool()
ALL = {
    'softmax': criteria.softmax,
    'focal': partial(criteria.softmax, gamma=2.0),
    'margins': partial(criteria.margin_softmax, margins=MARGINS, scale=3.0),
    'focal margins': partial(
        criteria.margin_softmax, margins=MARGINS, scale=3.0, gamma=2.0
    ),
    'scales': partial(criteria.margin_softmax, scale=SCALES),
    'kept': partial(criteria.margin_softmax, kept=KEPT),
    'sigmoid': criteria.sigmoid,
    'sigmoid focal': partial(criteria.sigmoid, gamma=1.5),
    'sigmoid kept': partial(criteria.sigmoid, kept=KEPT),
    'binary softmax': criteria.binary_softmax,
    'focal binary softmax': partial(criteria.binary_softmax, gamma=1.5),
    'gumbel': criteria.gumbel,
    'focal gumbel': partial(criteria.gumbel, gamma=1.5),
}


def mean_of(table, labels):
    return reduce_loss(*weigh_labels(table, labels), 'mean')


def test_focal_is_the_vector(vectors):
    vector = vectors['focal']
    expected = vector['expected']
    logits, labels, _ = tensors(vector)
    logits.requires_grad_()
    for gamma in (1, 2):
        loss = mean_of(criteria.softmax(logits, gamma), labels)
        assert_is(loss, expected[f'softmax_gamma{gamma}'])
    (grad,) = torch.autograd.grad(loss, logits)
    assert_is(grad, expected['grad_logits_softmax_gamma2'])
    for gamma in (1, 2):
        loss = mean_of(criteria.sigmoid(logits, gamma), labels)
        assert_is(loss, expected[f'sigmoid_gamma{gamma}_over_N'])


def test_the_class_weight_stands_outside_of_the_focus(vectors):
    vector = vectors['focal.class_weighted_pitfall']
    logits, labels, _ = tensors(vector)
    params = vector['params']
    table = criteria.softmax(logits, params['gamma'])
    loss, _ = weigh_labels(table, labels, double(params['class_weight']))
    assert_is(loss.mean(), vector['expected']['weight_outside_p'])


def test_class_balanced_sigmoid_is_the_vector(vectors):
    vector = vectors['cb.beta0.9']
    logits, labels, _ = tensors(vector)
    weight = double(vector['expected']['class_weight'])
    for gamma, key in ((0, 'sigmoid'), (1, 'focal_gamma1')):
        table = criteria.sigmoid(logits, gamma)
        loss = reduce_loss(*weigh_labels(table, labels, weight), 'mean')
        assert_is(loss, vector['expected'][key])


@pytest.mark.parametrize('beta', ['0.9', '0.9999'])
def test_binary_losses_of_a_softmax_are_weight_balancings(vectors, beta):
    """As in its class-balanced loss: the mean over samples and classes."""
    vector = vectors[f'cb.beta{beta}']
    logits, labels, _ = tensors(vector)
    weight = double(vector['expected']['class_weight'])
    table = criteria.binary_softmax(logits)
    loss = reduce_loss(*weigh_labels(table, labels, weight), 'mean')
    assert_is(loss, vector['expected']['softmax_bce_port'])
    one_hot = F.one_hot(labels, 3).double()
    torch.testing.assert_close(
        reduce_loss(*weigh_labels(table, labels), 'mean'),
        F.binary_cross_entropy(logits.softmax(1), one_hot),
    )


def test_binary_losses_of_a_softmax_stay_exact_where_it_is_sure():
    """Also the gradient, where 1 - p is 0 in single precision."""
    logits = torch.tensor([[60.0, 0.0, -1.0]], requires_grad=True)
    table = criteria.binary_softmax(logits)
    exact = criteria.binary_softmax(logits.double())
    torch.testing.assert_close(table.double(), exact)
    (one,) = torch.autograd.grad(table.sum(), logits)
    (other,) = torch.autograd.grad(exact.sum(), logits)
    torch.testing.assert_close(one, other)
    assert torch.isfinite(one).all() and table[0, 1] > 39


def test_margins_are_those_of_ldam(vectors):
    vector = vectors['ldam']
    expected, params = vector['expected'], vector['params']
    logits, labels, _ = tensors(vector)
    logits.requires_grad_()
    margins = double(expected['margins'])
    table = criteria.margin_softmax(logits, margins, params['s'])
    loss = mean_of(table, labels)
    assert_is(loss, expected['loss_stage1'])
    (grad,) = torch.autograd.grad(loss, logits, retain_graph=True)
    assert_is(grad, expected['grad_logits_stage1'])
    weighted = weigh_labels(table, labels, double(expected['drw_weight']))
    assert_is(reduce_loss(*weighted), expected['loss_stage2'])


def test_scales_of_the_label_are_those_of_kps(vectors):
    vector = vectors['kps']
    expected = vector['expected']
    logits, labels, _ = tensors(vector)
    logits = logits * double(expected['s_list'])
    margins = double(expected['m_list'])
    table = criteria.margin_softmax(logits, margins, vector['params']['s'])
    assert_is(mean_of(table, labels), expected['loss_stage1'])
    scales = double(expected['ga_scale_per_class'])
    table = criteria.margin_softmax(logits, margins, scales)
    assert_is(mean_of(table, labels), expected['loss_stage2_GA'])


def test_dropped_classes_are_those_of_equalization(vectors):
    vector = vectors['eql.softmax']
    expected = vector['expected']
    logits, labels, _ = tensors(vector)
    tail = torch.tensor(expected['tail_flag'])
    drawn = torch.tensor(vector['inputs']['bernoulli_mask']).bool()
    for mask, key in (
        (torch.ones_like(drawn), 'loss_gamma1'),
        (torch.zeros_like(drawn), 'loss_gamma0'),
        (drawn, 'loss_mask'),
    ):
        table = criteria.margin_softmax(logits, kept=~(mask & tail))
        assert_is(mean_of(table, labels), expected[key])
    vector = vectors['eql.sigmoid']
    logits, labels, counts = tensors(vector)
    tail = counts / counts.sum() < vector['params']['lambda_']
    table = criteria.sigmoid(logits, kept=(~tail).expand_as(logits))
    assert_is(mean_of(table, labels), vector['expected']['loss'])


def test_gumbel_is_the_vector(vectors):
    vector = vectors['gumbel_ce']
    logits, labels, _ = tensors(vector)
    table = criteria.gumbel(logits)
    expected = vector['expected']
    assert_is(mean_of(table, labels), expected['loss_sum_over_C_mean_N'])
    assert_is(gumbel_logs(logits)[0].exp(), expected['activation'])


def naive(name, z, c):
    """The loss of one sample with label c, by the formulas."""
    p, eta = z.sigmoid(), torch.exp(-torch.exp(-z))
    others = [j for j in range(5) if j != c]
    if name in ('softmax', 'focal'):
        q = z.softmax(0)[c]
        return -((1 - q) ** (2.0 * (name == 'focal'))) * q.log()
    if name in ('margins', 'focal margins', 'scales'):
        scale = SCALES[c] if name == 'scales' else 3.0
        logits = scale * z
        if name != 'scales':
            logits = logits - scale * MARGINS * (torch.arange(5) == c)
        q = logits.softmax(0)[c]
        return -((1 - q) ** (2.0 * (name == 'focal margins'))) * q.log()
    if name in ('gumbel', 'focal gumbel'):
        power = 1.5 * (name == 'focal gumbel')
        rest = sum(eta[j] ** power * (1 - eta[j]).log() for j in others)
        return -((1 - eta[c]) ** power) * eta[c].log() - rest
    number = 1
    if 'binary' in name:
        p, number = z.softmax(0), 5
    power = 1.5 * ('focal' in name)
    rest = sum(p[j] ** power * (1 - p[j]).log() for j in others)
    return (-((1 - p[c]) ** power) * p[c].log() - rest) / number


@pytest.mark.parametrize('name', sorted({*ALL} - {'kept', 'sigmoid kept'}))
def test_every_entry_by_a_naive_loop(name):
    torch.manual_seed(0)
    logits = torch.randn(4, 5, dtype=torch.float64)
    table = ALL[name](logits)
    for i in range(4):
        for c in range(5):
            torch.testing.assert_close(table[i, c], naive(name, logits[i], c))


def test_what_is_dropped_by_a_naive_loop():
    torch.manual_seed(0)
    logits = torch.randn(4, 5, dtype=torch.float64)
    one, other = ALL['kept'](logits), ALL['sigmoid kept'](logits)
    for i in range(4):
        for c in range(5):
            others = [j for j in range(5) if j != c and KEPT[i, j]]
            z = logits[i]
            softmax = -z[[c, *others]].log_softmax(0)[0]
            torch.testing.assert_close(one[i, c], softmax)
            binary = -F.logsigmoid(z[c]) - F.logsigmoid(-z[others]).sum()
            torch.testing.assert_close(other[i, c], binary)


@pytest.mark.parametrize('name', ALL)
def test_gradients(name):
    torch.manual_seed(1)
    logits = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ALL[name], logits)


@pytest.mark.parametrize('name', ALL)
def test_finite_for_extreme_logits(name):
    torch.manual_seed(2)
    signs = torch.randint(-1, 2, (4, 5))
    for dtype in (torch.float32, torch.float64):
        logits = (1e4 * signs).to(dtype).requires_grad_()
        table = ALL[name](logits)
        (grad,) = torch.autograd.grad(table.sum(), logits)
        assert torch.isfinite(table).all() and torch.isfinite(grad).all()


def test_soft_labels_are_a_mean_over_hard_ones():
    torch.manual_seed(3)
    logits, soft = torch.randn(4, 5), torch.rand(4, 5).softmax(1)
    for criterion in ALL.values():
        table = criterion(logits.double())
        loss, weight = weigh_labels(table, soft.double())
        expected = sum(
            soft[:, c] * weigh_labels(table, torch.full((4,), c))[0]
            for c in range(5)
        )
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(weight, torch.ones(4).double())


def test_without_margins_it_is_the_softmax():
    logits = torch.randn(6, 7)
    torch.testing.assert_close(
        criteria.margin_softmax(logits), criteria.softmax(logits)
    )
