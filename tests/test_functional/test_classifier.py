"""Norms of rows against the vector, naive loops and torch's own projection."""

import numpy as np
import pytest
import torch

from mmshapmix.functional.classifier import (
    limit_norms,
    norm_limit,
    tau_normalize,
)

from ..vectors import assert_is, double


@pytest.fixture
def weight():
    return torch.randn(7, 5, generator=torch.Generator().manual_seed(0))


def test_they_are_the_vector(vectors):
    vector = vectors['maxnorm']
    weight = double(vector['inputs']['weight_CxD'])
    expected = vector['expected']
    limit = norm_limit(weight, vector['params']['thresh'])
    assert_is(limit, expected['delta'])
    assert_is(limit_norms(weight, limit), expected['projected'])
    assert_is(tau_normalize(weight, 1), expected['tau_normalised_tau1'])


@pytest.mark.parametrize('tau', [0.0, 0.5, 1.0, 2.0])
def test_tau_normalisation_by_loop(weight, tau):
    rows = [row / np.sqrt((row**2).sum()) ** tau for row in weight.numpy()]
    kept = weight.clone()
    np.testing.assert_allclose(
        tau_normalize(weight, tau), np.stack(rows), rtol=1e-5
    )
    assert torch.equal(weight, kept)


def test_the_norms_after_tau_normalisation(weight):
    """Norms become their power of 1 - tau; directions stay."""
    normalised = tau_normalize(weight, 0.3)
    before, after = weight.norm(dim=1), normalised.norm(dim=1)
    torch.testing.assert_close(after, before**0.7)
    cosines = torch.cosine_similarity(weight, normalised)
    torch.testing.assert_close(cosines, torch.ones(7))


@pytest.mark.parametrize('limit', [0.0, 0.7, 1.8, 100.0])
def test_the_projection_is_torchs(weight, limit):
    kept = weight.clone()
    projected = limit_norms(weight, limit)
    reference = torch.renorm(weight, p=2, dim=0, maxnorm=limit)
    torch.testing.assert_close(projected, reference, rtol=0, atol=1e-6)
    assert torch.equal(weight, kept)
    inside = weight.norm(dim=1) <= limit
    assert torch.equal(projected[inside], weight[inside])


def test_the_limit_lies_between_the_norms(weight):
    norms = np.linalg.norm(weight.numpy(), axis=1)
    for share in (0, 0.25, 1):
        by_hand = norms.min() + share * (norms.max() - norms.min())
        assert norm_limit(weight, share).item() == pytest.approx(by_hand)


def test_rows_of_zeros_stay():
    weight = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    for tau in (0.5, 1, 2):
        assert tau_normalize(weight, tau)[0].tolist() == [0, 0]
    limit = norm_limit(weight, 0)
    assert limit == 0 and limit_norms(weight, limit).tolist() == [[0, 0]] * 2
    assert limit_norms(weight, 1.0)[0].tolist() == [0, 0]


@pytest.mark.parametrize('share', [-0.1, 1.1, float('nan')])
def test_bad_shares_are_refused(weight, share):
    with pytest.raises(ValueError, match='`share` from 0 to 1, but got'):
        norm_limit(weight, share)
