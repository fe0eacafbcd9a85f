"""Random draws have the documented distributions."""

import pytest
import torch

from mmshapmix.functional.draws import (
    make_generator,
    sample_beta,
    sample_categories,
    sample_integers,
    sample_kept,
    sample_partners,
    sample_subsets,
)

DRAWS = 40_000


def generator(seed=0):
    return make_generator((seed,))


def frequencies(values, number):
    return torch.bincount(values.flatten(), minlength=number) / values.numel()


def assert_close_to(freq, expected, draws=DRAWS):
    """Check that a relative frequency is within 4 standard errors."""
    expected = torch.as_tensor(expected, dtype=torch.float)
    error = 4 * (expected * (1 - expected) / draws).sqrt() + 1e-6
    assert ((freq - expected).abs() < error).all(), (freq, expected)


@pytest.mark.parametrize('other', [(1, 2, 4), (2, 1, 3), (1, 2), (1, 2, 3, 0)])
def test_generators_differ_in_every_part_of_the_seed(other):
    numbers = [
        torch.rand(4, generator=make_generator(seed))
        for seed in ((1, 2, 3), (1, 2, 3), other)
    ]
    assert torch.equal(numbers[0], numbers[1])
    assert not torch.equal(numbers[0], numbers[2])


def test_no_draw_touches_the_global_generator():
    state = torch.get_rng_state()
    g, n = generator(), 5
    low, high = torch.zeros(n).long(), torch.full((n,), 3)
    sample_integers(low, high, g)
    sample_subsets(torch.ones(n, 4, dtype=torch.bool), low, high, g)
    sample_categories(torch.ones(n, 4) / 4, g)
    sample_kept(torch.ones(4) / 2, n, g)
    sample_partners(n, generator=g)
    sample_beta(0.5, n, generator=g)
    assert torch.equal(state, torch.get_rng_state())


def test_integers_are_uniform_and_include_both_ends():
    drawn = sample_integers(
        torch.full((DRAWS,), 3), torch.full((DRAWS,), 7), generator()
    )
    assert drawn.dtype == torch.int64
    assert_close_to(frequencies(drawn - 3, 5), [0.2] * 5)
    alone = torch.tensor([4, -1])
    assert torch.equal(sample_integers(alone, alone, generator()), alone)


def test_subset_sizes_are_uniform_and_so_are_members():
    available = torch.tensor([True, False, True, True, True])
    rows = available.expand(DRAWS, 5)
    low, high = torch.full((DRAWS,), 1), torch.full((DRAWS,), 3)
    subsets = sample_subsets(rows, low, high, generator())
    assert not subsets[:, 1].any()
    assert_close_to(frequencies(subsets.sum(1), 4), [0, 1 / 3, 1 / 3, 1 / 3])
    pairs = subsets[subsets.sum(1) == 2]
    index = (pairs.long() << torch.arange(5)).sum(1)
    kinds, counts = index.unique(return_counts=True)
    assert len(kinds) == 6
    assert_close_to(counts / len(pairs), torch.full((6,), 1 / 6), len(pairs))


def test_categories_follow_each_row():
    rows = torch.tensor([[0.0, 0.2, 0.0, 0.8, 0.0], [0.5, 0.0, 0.5, 0.0, 0.0]])
    drawn = sample_categories(rows.repeat(DRAWS, 1), generator()).view(-1, 2)
    for i, row in enumerate(rows):
        assert_close_to(frequencies(drawn[:, i], 5), row)


def test_each_class_is_dropped_with_its_probability():
    drop_prob = torch.tensor([0.0, 1.0, 0.3, 0.9])
    kept = sample_kept(drop_prob, DRAWS, generator())
    assert kept[:, 0].all() and not kept[:, 1].any()
    assert_close_to(kept.float().mean(0), 1 - drop_prob)
    # The draws are independent: both are kept as often as the product says.
    assert_close_to((kept[:, 2] & kept[:, 3]).float().mean(), 0.7 * 0.1)


@pytest.mark.parametrize('number', [2, 3, 16])
def test_everybody_has_another_partner(number):
    for seed in range(50):
        partner = sample_partners(number, generator=generator(seed))
        assert partner.sort().values.tolist() == list(range(number))
        assert (partner != torch.arange(number)).all()


def test_partners_are_uniform():
    drawn = torch.stack(
        [sample_partners(4, generator=generator(s)) for s in range(3000)]
    )
    assert_close_to(frequencies(drawn[:, 0], 4), [0, *[1 / 3] * 3], 3000)


def test_alone_one_is_ones_own_partner():
    assert sample_partners(1).tolist() == [0]


@pytest.mark.parametrize('alpha', [0.3, 1.0, 4.0])
def test_beta_has_its_moments(alpha):
    drawn = sample_beta(alpha, DRAWS, generator=generator())
    variance = 1 / (4 * (2 * alpha + 1))
    assert drawn.mean() == pytest.approx(
        0.5, abs=4 * (variance / DRAWS) ** 0.5
    )
    assert drawn.var() == pytest.approx(variance, rel=0.04)
