"""InfoGCN's code, prior and loss against the authors' formulas as loops."""

import pytest
import torch
import torch.nn.functional as F

from mmshapmix.functional.draws import make_generator
from mmshapmix.functional.information import (
    latent_loss,
    sample_codes,
    sample_prior,
)

N, K, D = 6, 5, 4


def batch():
    torch.manual_seed(0)
    return torch.randn(N, D), torch.randn(K, D)


def test_one_hot_labels_give_the_published_loss():
    codes, prior = batch()
    labels = torch.tensor([0, 3, 3, 0, 4, 3])
    present = [0, 3, 4]
    means = torch.stack([codes[labels == c].mean(0) for c in present])
    expected = 0.2 * codes.mean(0).norm(p=2)
    expected = expected + 0.7 * F.mse_loss(means, prior[present])
    loss = latent_loss(codes, F.one_hot(labels, K), prior, 0.2, 0.7)
    torch.testing.assert_close(loss, expected)


def test_soft_labels_weigh_the_means():
    """Classes to which samples belong only in part count, too."""
    codes, prior = batch()
    labels = torch.rand(N, K) * torch.tensor([1.0, 0.1, 0.0, 1.0, 0.0])
    total, weights = 0.0, 0.0
    for c in (0, 1, 3):
        mean, mass = torch.zeros(D), 0.0
        for code, label in zip(codes, labels, strict=True):
            mean, mass = mean + label[c] * code, mass + label[c]
        weight = min(mass, 1.0)
        distance = sum((mean[d] / mass - prior[c, d]) ** 2 for d in range(D))
        total, weights = total + weight * distance / D, weights + weight
    assert labels[:, 1].sum() < 1 < labels[:, 0].sum()
    torch.testing.assert_close(
        latent_loss(codes, labels, prior, 0, 2), 2 * total / weights
    )


def test_a_touch_of_a_class_is_next_to_none():
    codes, prior = batch()
    labels = F.one_hot(torch.arange(N) % 3, K).float()
    touched = labels + 1e-7 * F.one_hot(torch.full((N,), 4), K)
    torch.testing.assert_close(
        latent_loss(codes, touched, prior), latent_loss(codes, labels, prior)
    )


def test_the_gradient_of_the_loss_is_right():
    codes, prior = (value.double() for value in batch())
    labels = torch.rand(N, K).double() * (torch.arange(K) != 2)
    assert torch.autograd.gradcheck(
        lambda z: latent_loss(z, labels, prior, 0.3, 0.5),
        codes.requires_grad_(),
    )


def test_autocast_leaves_the_loss_in_full_precision():
    codes, prior = batch()
    labels = F.one_hot(torch.arange(N) % K, K).float()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = latent_loss(codes, labels, prior)
    assert loss == latent_loss(codes, labels, prior)


@pytest.mark.parametrize(('classes', 'channels'), [(3, 8), (8, 3)])
def test_prior_is_orthogonal(classes, channels):
    prior = sample_prior(classes, channels, 3.0, make_generator((0,)))
    few = prior if classes < channels else prior.T
    torch.testing.assert_close(
        few @ few.T, 9 * torch.eye(len(few)), rtol=0, atol=1e-5
    )
    again = sample_prior(classes, channels, 3.0, make_generator((0,)))
    other = sample_prior(classes, channels, 3.0, make_generator((1,)))
    assert torch.equal(prior, again) and not torch.equal(prior, other)


@pytest.mark.parametrize('ratio', [0.5, 1.0])
def test_codes_spread_as_their_variance_says(ratio):
    mean = torch.tensor([1.0, -2.0, 0.0])
    log_variance = torch.tensor([0.0, 2.0, 50.0])
    codes = sample_codes(
        mean.expand(10**5, 3),
        log_variance.expand(10**5, 3),
        ratio,
        make_generator((0,)),
    )
    std = torch.tensor([1.0, torch.e ** (2 * ratio), 100.0])
    shift = (codes.mean(0) - mean) / std
    torch.testing.assert_close(shift, torch.zeros(3), rtol=0, atol=0.02)
    torch.testing.assert_close(codes.std(0), std, rtol=0.02, atol=0)


def test_a_huge_variance_has_a_gradient():
    log_variance = torch.tensor([[0.0, 500.0]], requires_grad=True)
    codes = sample_codes(torch.zeros(1, 2), log_variance)
    codes.sum().backward()
    assert log_variance.grad[0, 0] == codes[0, 0] / 2
    assert log_variance.grad[0, 1] == 0
