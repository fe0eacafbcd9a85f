"""Activations of one class against all others, in exact arithmetic."""

from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
import torch

from mmshapmix.functional.one_vs_all import (
    gumbel_logs,
    mean_activations,
    part_ties,
    sigmoid_logs,
)

LOGS = dict(sigmoid=sigmoid_logs, gumbel=gumbel_logs)
FAR = [
    [20, 25, 0],
    [25, 25.00001, 25],
    [40, 50, 60],
    [12, 11, 15],
    [200, 250, 0],
    [-5, -4.5, -6],
    [-100, -90, -95],
    [-300, 650, 640],
]


def activation(kind, logit):
    """The activation and 1 minus it, with 120 digits."""
    z = Decimal(float(logit))
    if kind == 'sigmoid':
        return 1 / (1 + (-z).exp()), 1 / (1 + z.exp())
    p = (-(-z).exp()).exp()
    return p, 1 - p


def exact_means(kind, logits):
    """Exact means of ``(clips, K)``."""
    with localcontext() as context:
        context.prec, context.Emin = 120, -(10**17)
        return [
            sum(activation(kind, z)[0] for z in column) / len(column)
            for column in logits.T
        ]


@pytest.mark.parametrize('kind', LOGS)
def test_logs_are_exact(kind):
    logits = torch.linspace(-6, 40, 93).double()
    found = LOGS[kind](logits)
    with localcontext() as context:
        context.prec = 60
        pairs = [activation(kind, z) for z in logits]
        for log, values in zip(found, zip(*pairs, strict=True), strict=True):
            expected = np.array([float(v.ln()) for v in values])
            np.testing.assert_allclose(log, expected, 1e-13, 1e-16)


@pytest.mark.parametrize('kind', LOGS)
@pytest.mark.parametrize('logits', FAR)
def test_one_clip_ranks_as_its_logits(kind, logits):
    rows = torch.tensor(logits).double()[None, None]
    means = mean_activations(rows, LOGS[kind])
    assert torch.equal(means.argsort(1), rows[:, 0].argsort(1))
    assert 0 <= means.min() and means.max() <= 1
    expected = [float(p) for p in exact_means(kind, rows[0].numpy())]
    np.testing.assert_allclose(means[0], expected, atol=1e-15)


@pytest.mark.parametrize('kind', LOGS)
@pytest.mark.parametrize('size', [1, 10, 40])
def test_several_clips_rank_as_their_exact_means(kind, size):
    """Except for classes that differ by less than a float can represent."""
    rng = np.random.default_rng(size)
    logits = np.float32(size * rng.normal(size=(9, 3, 6)) + size / 2)
    if kind == 'gumbel':
        logits = logits.clip(-6)  # or both are too small for float64
    means = mean_activations(torch.tensor(logits), LOGS[kind])
    for row, found in zip(logits, means, strict=True):
        expected = exact_means(kind, row)
        ranked = [expected[k] for k in found.argsort()]
        for low, high in pairwise(ranked):
            least = Decimal(1e-15) * min(low, 1 - low)
            assert high - low > -least
        np.testing.assert_allclose(found, np.float64(expected), 1e-12, 1e-300)


@pytest.mark.parametrize('kind', LOGS)
def test_one_clip_of_two_near_one_is_told_from_another(kind):
    logits = torch.tensor([[[40.0, 50, 0], [-5, -5, 5]]])
    means = mean_activations(logits, LOGS[kind])
    assert means.argsort(1).tolist() == [[0, 1, 2]]


def test_ties_are_parted_by_the_least_steps():
    scores = torch.tensor([[1.0, 0.5, 1.0, 1.0, 0.0, 0.0]]).double()
    keys = torch.tensor([[50.0, 0.0, 60.0, 50.0, -900.0, -800.0]])
    (parted,) = part_ties(scores, keys)
    below = np.nextafter(1, 0)
    assert parted[:4].tolist() == [below, 0.5, 1.0, below]
    assert 0 <= parted[4] < parted[5] < 1e-300


def test_what_is_no_number_stays_so():
    scores = torch.tensor([[0.5, np.nan, 0.1]]).double()
    assert part_ties(scores, scores).isnan().any()
