"""Shapley values against the vectors, orderings of the players, and axioms."""

import itertools
import math

import pytest
import torch

from mmshapmix.functional.coalitions import (
    all_coalitions,
    coalition_index,
    coalitions_of_sizes,
)
from mmshapmix.functional.draws import make_generator
from mmshapmix.functional.shapley import (
    marginal_contribution,
    sample_contexts,
    sampled_shapley_values,
    shapley_matrix,
    shapley_values,
)

PAIRS_AND_TRIPLES = coalitions_of_sizes(5, (2, 3))
SINGLES = coalitions_of_sizes(5, (1,))


def random_games(number, num_parts=5, seed=0):
    """Values of all coalitions, ``(number, 2^P)`` float64."""
    g = torch.Generator().manual_seed(seed)
    return torch.rand(number, 2**num_parts, generator=g, dtype=torch.float64)


@pytest.fixture
def toy(vectors):
    """The game of the vectors, and its expected results."""
    vector = vectors['shapley.toy_game']
    worth = torch.zeros(32, dtype=torch.float64)
    for parts, value in vector['inputs']['worth']:
        worth[sum(2**p for p in parts)] = value
    return worth, vector['expected']


def lookup(worth):
    return lambda coalitions: worth[coalition_index(coalitions)]


def by_orderings(worth, coalition):
    """Average gain of a merged player over all orders of arrival."""
    merged = tuple(coalition.nonzero().flatten().tolist())
    others = [(p,) for p in range(len(coalition)) if p not in merged]
    total, orders = 0.0, list(itertools.permutations([merged, *others]))
    for order in orders:
        before = [p for group in order[: order.index(merged)] for p in group]
        index = sum(2**p for p in before)
        total += worth[index + sum(2**p for p in merged)] - worth[index]
    return total / len(orders)


def test_the_toy_game(toy):
    worth, expected = toy
    value = shapley_values(worth, PAIRS_AND_TRIPLES)
    torch.testing.assert_close(
        value,
        torch.tensor(expected['v'], dtype=torch.float64),
        atol=1e-12,
        rtol=0,
    )
    singles = shapley_values(worth, SINGLES)
    torch.testing.assert_close(
        singles,
        torch.tensor(expected['singletons'], dtype=torch.float64),
        atol=1e-12,
        rtol=0,
    )
    assert singles.sum().item() == pytest.approx(expected['efficiency'][0])


@pytest.mark.parametrize('num_parts', [3, 5])
def test_exact_values_equal_all_orderings(num_parts):
    worth = random_games(1, num_parts)[0]
    table = coalitions_of_sizes(num_parts, range(1, num_parts + 1))
    expected = [by_orderings(worth, row) for row in table]
    torch.testing.assert_close(
        shapley_values(worth, table),
        torch.stack(expected),
        atol=1e-12,
        rtol=0,
    )


def test_efficiency():
    games = random_games(50)
    torch.testing.assert_close(
        shapley_values(games, SINGLES).sum(1), games[:, -1] - games[:, 0]
    )


def test_symmetry():
    """Exchanging players of a game exchanges their values."""
    games = random_games(20)
    swap = [0, 3, 2, 1, 4]
    swapped = games[:, coalition_index(all_coalitions(5)[:, swap])]
    torch.testing.assert_close(
        shapley_values(swapped, PAIRS_AND_TRIPLES[:, swap]),
        shapley_values(games, PAIRS_AND_TRIPLES),
    )


def test_a_null_player_gets_nothing_and_adds_nothing():
    games = random_games(20)
    without = all_coalitions(5).clone()
    without[:, 2] = False
    games = games[:, coalition_index(without)]
    values = shapley_values(games, SINGLES)
    torch.testing.assert_close(
        values[:, 2], torch.zeros(20, dtype=torch.float64)
    )
    joined = shapley_values(games, torch.tensor([[1, 0, 1, 0, 0]]) > 0)
    torch.testing.assert_close(joined[:, 0], values[:, 0])


def test_linearity():
    one, other = random_games(20), random_games(20, seed=1)
    torch.testing.assert_close(
        shapley_values(2 * one - 3 * other, PAIRS_AND_TRIPLES),
        2 * shapley_values(one, PAIRS_AND_TRIPLES)
        - 3 * shapley_values(other, PAIRS_AND_TRIPLES),
    )


def test_a_constant_worth_has_no_value():
    rows = shapley_matrix(PAIRS_AND_TRIPLES).sum(1)
    torch.testing.assert_close(rows, torch.zeros_like(rows))


def test_the_sampler_has_the_listed_outcomes(vectors, toy):
    """Contexts of one coalition are drawn as often as listed."""
    vector = vectors['shapley.sampler']
    outcomes = vector['expected']['outcomes']
    joining = torch.zeros(1, 5, dtype=torch.bool)
    joining[0, vector['inputs']['b']] = True
    draws = 40_000
    context = sample_contexts(joining.expand(draws, 5), make_generator((0,)))
    index = coalition_index(context)
    worth = lookup(toy[0])
    expectation = 0.0
    for row in outcomes:
        which = sum(2**p for p in row['r'])
        share = (index == which).double().mean().item()
        error = 4 * math.sqrt(row['prob'] * (1 - row['prob']) / draws)
        assert share == pytest.approx(row['prob'], abs=error)
        context = all_coalitions(5)[which]
        gain = worth(context | joining[0]) - worth(context)
        assert gain.item() == pytest.approx(row['marginal'])
        expectation += row['prob'] * gain.item()
    assert expectation == pytest.approx(vector['expected']['expectation'])
    assert len(outcomes) == len(index.unique())


def standard_errors(worth, draws):
    """Standard errors of the mean marginal contributions, by enumeration."""
    errors = []
    for row in PAIRS_AND_TRIPLES:
        gains, weights = [], []
        rest = (~row).nonzero().flatten().tolist()
        for size in range(len(rest) + 1):
            for context in itertools.combinations(rest, size):
                index = sum(2**p for p in context)
                joined = index + sum(2**p for p in row.nonzero().flatten())
                gains.append(worth[joined] - worth[index])
                weights.append(
                    1 / ((len(rest) + 1) * math.comb(len(rest), size))
                )
        gains, weights = torch.stack(gains), torch.tensor(weights).double()
        mean = (gains * weights).sum()
        variance = ((gains - mean) ** 2 * weights).sum()
        errors.append((variance / draws).sqrt())
    return torch.stack(errors)


def test_sampled_values_are_unbiased_without_clamping():
    draws = 4000
    for seed in range(3):
        worth = random_games(1, seed=seed)[0]
        sampled = sampled_shapley_values(
            lookup(worth),
            PAIRS_AND_TRIPLES,
            draws,
            generator=make_generator((seed,)),
        )
        exact = shapley_values(worth, PAIRS_AND_TRIPLES)
        error = standard_errors(worth, draws)
        assert ((sampled - exact).abs() < 4 * error).all()


def test_clamping_overestimates():
    """The excess is positive where signs differ, and never negative."""
    worth = random_games(1, seed=3)[0]
    exact = shapley_values(worth, PAIRS_AND_TRIPLES)
    plain, clamped = (
        sampled_shapley_values(
            lookup(worth),
            PAIRS_AND_TRIPLES,
            4000,
            clamp=clamp,
            generator=make_generator((0,)),
        )
        for clamp in (False, True)
    )
    assert (clamped >= plain - 1e-12).all()
    worst = exact.argmin()
    assert exact[worst] < 0 < clamped[worst]
    assert clamped[worst] - exact[worst] > 0.1


def test_clamping_changes_no_positive_contribution():
    joined, context = torch.tensor([0.5, 0.1]), torch.tensor([0.2, 0.4])
    torch.testing.assert_close(
        marginal_contribution(joined, context), torch.tensor([0.3, -0.3])
    )
    torch.testing.assert_close(
        marginal_contribution(joined, context, clamp=True),
        torch.tensor([0.3, 0.0]),
    )
