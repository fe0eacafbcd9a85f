"""Class weights against the vectors, and their documented properties."""

import pytest
import torch

from mmshapmix.functional.class_weights import (
    CLASS_WEIGHTS,
    action_aware,
    class_balanced,
    inverse_frequency,
)

from ..vectors import assert_is


@pytest.mark.parametrize('beta', ['0.9', '0.99', '0.999', '0.9999'])
def test_class_balanced_weights_are_the_vectors(vectors, beta):
    vector = vectors[f'cb.beta{beta}']
    counts = torch.tensor(vector['inputs']['class_counts']).double()
    assert_is(
        class_balanced(counts, float(beta)), vector['expected']['class_weight']
    )


def test_normalised_inverse_frequencies_are_the_vector(vectors):
    vector = vectors['ib']
    counts = torch.tensor(vector['inputs']['class_counts']).double()
    weight = inverse_frequency(counts, normalize=True)
    assert_is(weight, vector['expected']['class_weight'])


def test_class_balanced_weights_between_their_limits():
    """A beta of 0 gives equal weights, 1 gives inverse frequencies."""
    counts = torch.tensor([50.0, 10.0, 2.0], dtype=torch.float64)
    even = class_balanced(counts, 1e-9)
    torch.testing.assert_close(even, torch.ones(3).double())
    inverse = 3 / counts / (1 / counts).sum()
    torch.testing.assert_close(
        class_balanced(counts, 1 - 1e-9), inverse, rtol=1e-5, atol=0
    )


def test_action_aware_weights_are_the_vector(vectors):
    vector = vectors['brl.aa_weights_ntu60']
    counts = torch.tensor(vector['inputs']['class_counts'])
    weight = action_aware(counts.double())
    assert_is(weight, vector['expected']['gamma_raw'])
    normalised = weight * len(weight) / weight.sum()
    assert_is(normalised, vector['expected']['weight_normalised'])
    single = action_aware(counts)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), weight, rtol=1e-6, atol=0)


def test_the_weights_do_not_toggle(vectors):
    """The release flips them in place, and has none in every second epoch."""
    vector = vectors['brl.aa_code_toggle']
    counts = torch.tensor(vector['inputs']['class_counts']).double()
    kept, released = counts.clone(), vector['expected']
    for _ in range(4):
        weight = action_aware(counts)
        normalised = weight * len(weight) / weight.sum()
        assert_is(
            normalised[[0, -1]], [released['first'][0], released['last'][0]]
        )
    assert torch.equal(counts, kept)


def test_action_aware_weights_are_one_over_the_effective_number():
    """By Eq. (8), this number is the sum of the powers of beta."""
    counts = torch.tensor([37, 2, 11], dtype=torch.float64)
    for lam in (0.05, None):  # default: 0.1 times 1 - 1 / the imbalance ratio
        weights = action_aware(counts, 0.9, lam)
        for n, weight in zip(counts, weights, strict=True):
            beta = 0.9 + (lam or 0.1 * (1 - 2 / 37)) * (n - 2) / 35
            powers = sum(beta**i for i in range(int(n)))
            torch.testing.assert_close(weight, 1 / powers)


@pytest.mark.parametrize('rare', [1, 4, 6, 50])
def test_action_aware_weights_are_the_papers_at_a_ratio_of_100(rare):
    counts = torch.tensor([100 * rare, 7 * rare, rare]).double()
    torch.testing.assert_close(
        action_aware(counts),
        action_aware(counts, 0.99, 0.0099),
        rtol=1e-9,
        atol=0,
    )


def spread(counts, **options):
    """Ratio of the largest weight to the smallest."""
    weight = action_aware(torch.as_tensor(counts).double(), **options)
    return (weight.max() / weight.min()).item()


@pytest.mark.parametrize('largest', [2, 30, 600, 40000])
def test_action_aware_weights_tend_to_equal_ones_with_the_counts(largest):
    """They change without a jump, and differ less than the counts do."""
    rare = torch.arange(largest, 0, -max(largest // 100, 1))
    spreads = [spread([largest, n]) for n in rare]
    assert spreads[0] == 1
    assert (torch.tensor(spreads).diff() > 0).all()
    for n, found in zip(rare.tolist(), spreads, strict=True):
        assert found <= largest / n * (1 + 1e-9)
    assert spreads[1] - 1 <= largest / rare[1].item() - 1 + 1e-9


def test_nearly_balanced_data_is_hardly_weighted():
    """With the paper's lambda in Eq. (7), one more sample is a factor of 6."""
    assert spread([600, 601]) == pytest.approx(1, abs=2e-3)
    assert spread([600, 601], lam=0.0099) == pytest.approx(5.85, abs=0.01)


def test_action_aware_weights_fall_with_the_count():
    for counts in (torch.arange(1, 200), torch.arange(600, 620)):
        assert (action_aware(counts.double()).diff() < 0).all()


def test_action_aware_weights_of_equal_classes():
    weight = action_aware(torch.tensor([50, 50, 50]))
    expected = 0.01 / (1 - 0.99**50)
    torch.testing.assert_close(weight, torch.full((3,), expected))


@pytest.mark.parametrize('name', CLASS_WEIGHTS)
def test_class_weights_follow_the_counts_not_the_index(name):
    counts = torch.tensor([100, 3, 40, 1])
    order = torch.tensor([2, 0, 3, 1])
    scheme = CLASS_WEIGHTS[name]
    torch.testing.assert_close(scheme(counts)[order], scheme(counts[order]))
    assert scheme(counts).argsort().tolist() == [0, 2, 1, 3]


def test_bad_weights_are_refused():
    with pytest.raises(ValueError, match='sum below 1, but got 0.99 and 0.1'):
        action_aware(torch.tensor([1, 2]), 0.99, 0.1)
    with pytest.raises(ValueError, match=r'`beta` in \(0, 1\), but got 1'):
        class_balanced(torch.tensor([1, 2]), 1)
    for scheme in CLASS_WEIGHTS.values():
        with pytest.raises(ValueError, match=r'classes \[0\] have none'):
            scheme(torch.tensor([0, 2]))
