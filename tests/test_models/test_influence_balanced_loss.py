"""InfluenceBalancedLoss; see also test_benchmark_losses.py."""

import pytest
import torch

from mmshapmix.models import InfluenceBalancedLoss

K, D = 4, 5
COUNTS = torch.tensor([40, 3, 100, 1])


def influence_balanced(**options):
    loss = InfluenceBalancedLoss(**options)
    loss.set_class_counts(COUNTS)
    return loss


def batch():
    """Logits, labels and features of six samples."""
    torch.manual_seed(0)
    return torch.randn(6, K), torch.arange(6) % K, torch.rand(6, D)


def test_influence_on_soft_labels_by_a_naive_loop():
    logits, _, h = batch()
    soft = torch.rand(6, K).softmax(1)
    inverse = [1 / n for n in COUNTS.tolist()]
    weight = [K * w / sum(inverse) for w in inverse]
    total = 0.0
    for z, q, row in zip(logits, soft, h, strict=True):
        p = z.softmax(0)
        distance = sum(abs(p[c] - q[c]) for c in range(K))
        entropy = -sum(weight[c] * q[c] * p[c].log() for c in range(K))
        total += entropy * 1000 / (distance * row.sum() + 1e-3) / 6
    loss = influence_balanced()
    torch.testing.assert_close(loss(logits, soft, features=h), total)


def test_only_attached_factors_reach_the_features():
    logits, labels, h = batch()
    h.requires_grad_()
    logits.requires_grad_()
    influence_balanced(detach=True)(logits, labels, features=h).backward()
    assert h.grad is None
    influence_balanced()(logits, labels, features=h).backward()
    assert (h.grad < 0).all()  # more features, more influence, less loss


def test_half_precision_features_give_a_float_loss():
    logits, labels, h = batch()
    h = 3e4 * h  # half precision cannot hold their sum
    loss = influence_balanced()
    exact = loss(logits, labels, features=h)
    half = loss(logits, labels, features=h.half())
    torch.testing.assert_close(half, exact, rtol=1e-3, atol=0)


def test_missing_features_say_what_to_do():
    with pytest.raises(ValueError, match='MixedGCNHead., pass_features=True'):
        influence_balanced()(*batch()[:2])


@pytest.mark.parametrize('options', [dict(alpha=0), dict(eps=0.0)])
def test_bad_options(options):
    with pytest.raises(ValueError, match='`alpha` and `eps` above 0, but got'):
        InfluenceBalancedLoss(**options)
