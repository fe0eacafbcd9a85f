import itertools
import math

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from scipy.stats import spearmanr
from torch import nn

from mmshapmix.analysis.saliency import (
    chance_to_find,
    coalition_names,
    coalition_visits,
    compare_tables,
    exact_coalition_values,
    exact_rows,
    finds_salient,
    part_saliency,
    rank_correlation,
    saliency_rows,
    top_combination,
)
from mmshapmix.functional.coalitions import all_coalitions, coalition_index
from mmshapmix.functional.saliency import saliency_shares
from mmshapmix.functional.shapley import shapley_values
from mmshapmix.models.estimators import CoalitionValues
from mmshapmix.models.mixers import ShapMix

GUIDANCE = ('CoalitionValues', 'MarginalContributions', 'GradCAM')


def make_mixer(guidance='CoalitionValues', num_classes=3, **options):
    """A mixer with a table of random numbers."""
    mixer = ShapMix(
        num_classes, guidance=dict(type=f'mmshapmix.{guidance}'), **options
    )
    generator = torch.Generator().manual_seed(0)
    table, visits = mixer.estimator.table, mixer.estimator.visits
    table.copy_(torch.rand(table.shape, generator=generator) - 0.3)
    visits.copy_(torch.randint(1, 9, visits.shape, generator=generator))
    return mixer


# Tables ----------------------------------------------------------------------


def test_coalition_names():
    rows = torch.tensor([[True, False, True], [False] * 3])
    assert coalition_names(rows, ['a', 'b', 'c']) == ['a+c', '']


@pytest.mark.parametrize('guidance', GUIDANCE)
def test_shares_are_what_the_distribution_is_made_of(guidance):
    mixer = make_mixer(guidance)
    joints = mixer.coalitions @ mixer.groups.sum(1)
    shares = saliency_shares(mixer.estimator.saliency(), joints)
    torch.testing.assert_close(shares.abs().mean(1), torch.full((3,), 1 / 20))
    odds = (shares / mixer.temperature).softmax(1)
    torch.testing.assert_close(odds, mixer.distribution())
    assert not saliency_shares(torch.zeros(2, 20), joints).any()


def test_parts_by_coalition_values_have_the_shapley_value():
    """The game is additive, except for a pair that shares its gain."""
    mixer = make_mixer()
    parts = torch.tensor([0.5, 0.2, -0.1, 0.0, 0.05])
    rows = all_coalitions(5)
    worth = 0.1 + rows.float() @ parts + 0.2 * (rows[:, 0] & rows[:, 3])
    mixer.estimator.table.copy_(worth.expand(3, -1))
    values, meaning = part_saliency(mixer)
    expected = parts + torch.tensor([0.1, 0, 0, 0.1, 0])
    torch.testing.assert_close(values, expected.expand(3, -1))
    assert meaning == 'Shapley value of the part'


@pytest.mark.parametrize('guidance', GUIDANCE[1:])
def test_other_parts_have_the_mean_of_their_combinations(guidance):
    mixer = make_mixer(guidance)
    values, meaning = part_saliency(mixer)
    saliency = mixer.estimator.saliency()
    for p in range(5):
        with_part = [s for s in range(20) if mixer.coalitions[s, p]]
        assert len(with_part) == 10
        torch.testing.assert_close(
            values[:, p], saliency[:, with_part].mean(1)
        )
    assert 'mean' in meaning


@pytest.mark.parametrize('guidance', GUIDANCE)
def test_the_table_holds_what_the_mixer_says(guidance):
    mixer = make_mixer(guidance)
    rows = saliency_rows(mixer, ['a', 'b', 'c'], [200, 50, 3])
    assert len(rows) == 60
    values = {
        key: np.array([row[key] for row in rows]).reshape(3, 20)
        for key in rows[0]
    }
    saliency = mixer.estimator.saliency().numpy()
    np.testing.assert_allclose(values['saliency'], saliency, rtol=1e-6)
    odds = mixer.distribution().numpy()
    np.testing.assert_allclose(values['probability'], odds, rtol=1e-6)
    np.testing.assert_allclose(
        np.abs(values['normalised']).sum(1), 1, rtol=1e-5
    )
    ratio = values['saliency'] / values['num_joints'] / values['normalised']
    np.testing.assert_allclose(ratio - ratio[:, :1], 0, atol=1e-5)
    assert values['group'][:, 0].tolist() == ['many', 'medium', 'few']
    assert values['train_samples'][:, 7].tolist() == [200, 50, 3]
    assert values['coalition'][0, 0] == 'trunk+right_arm'
    assert values['num_joints'][0, 0] == 11
    visits = {
        'CoalitionValues': mixer.estimator.visits[0, 3],  # bits 0 and 1
        'MarginalContributions': mixer.estimator.visits[0, 0],
        'GradCAM': '',
    }
    assert rows[0]['visits'] == visits[guidance]


def test_without_counts():
    row = saliency_rows(make_mixer(), ['a', 'b', 'c'], None)[0]
    assert row['group'] == row['train_samples'] == ''


def test_visits_are_those_of_the_own_cell():
    mixer = make_mixer()
    visits = coalition_visits(mixer.estimator)
    for s, row in enumerate(mixer.coalitions.tolist()):
        cell = sum(2**p for p in range(5) if row[p])
        assert torch.equal(visits[:, s], mixer.estimator.visits[:, cell])


# Exact values ----------------------------------------------------------------

PARTS = [(0, 3), (1,), (2, 4, 5)]


class Stub(nn.Module):
    """Logits depend on all joints nonlinearly, with noise in training."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = torch.randn(2 * 3 * 6 * 2, 4, generator=generator)
        self.noise = nn.Dropout(0.5)
        self.data_preprocessor = lambda data: dict(
            data, inputs=torch.stack(data['inputs'])
        )

    def forward(self, inputs, stage, mode):
        assert (stage, mode) == ('head', 'tensor')
        flat = inputs.flatten(0, 1).flatten(1)
        return self.noise(torch.tanh(flat @ self.weight) * 2)


@pytest.fixture
def batches():
    """Eleven samples in three batches with two clips each; one batch has a
    single sample.

    Class 3 has no sample.
    """
    generator = torch.Generator().manual_seed(2)
    samples = torch.randn(11, 2, 2, 3, 6, 2, generator=generator)
    samples[4, :, 1] = 0  # (clips, M, T, V, C); the second person is absent
    labels = [0, 2, 1, 0, 0, 2, 2, 1, 0, 0, 2]
    return [
        dict(
            inputs=list(samples[i : i + 4]),
            data_samples=[
                ActionDataSample().set_gt_label(label)
                for label in labels[i : i + 4]
            ],
        )
        for i in (0, 4, 8)
    ]


@pytest.fixture
def estimator():
    part_joints = torch.zeros(3, 6)
    for part, joints in enumerate(PARTS):
        part_joints[part, list(joints)] = 1
    estimator = CoalitionValues(
        num_classes=4,
        part_joints=part_joints,
        coalitions=all_coalitions(3)[[3, 5, 6]],
    )
    estimator.mean_pose = torch.arange(24.0).view(2, 6, 2) / 10
    return estimator


def naive_worth(model, mean_pose, sample, label, kept):
    """One sample with some of its parts, computed joint by joint."""
    seen = sample.clone()
    absent = [v for p in range(3) if p not in kept for v in PARTS[p]]
    for clip, person, joint in itertools.product(range(2), range(2), absent):
        if sample[clip, person].any():
            seen[clip, person, :, joint] = mean_pose[person, joint]
    logits = model(seen[None], stage='head', mode='tensor')
    return float(logits.softmax(-1)[:, label].mean())


@pytest.mark.parametrize('at_once', [1, 3, 8])
def test_exact_values_equal_a_naive_loop(estimator, batches, at_once):
    model = Stub()
    worth = exact_coalition_values(estimator, model, batches, at_once)
    assert model.training  # unchanged
    model.eval()
    for slot in range(8):
        kept = [p for p in range(3) if slot >> p & 1]
        values = {0: [], 1: [], 2: []}
        for data in batches:
            for x, row in zip(
                data['inputs'], data['data_samples'], strict=True
            ):
                label = int(row.gt_label)
                values[label].append(
                    naive_worth(model, estimator.mean_pose, x, label, kept)
                )
        for k, found in values.items():
            mean = sum(found) / len(found)
            assert worth[k, slot] == pytest.approx(mean, abs=1e-6)
    assert worth[3].isnan().all()


def test_a_class_whose_predictions_are_not_finite(estimator, batches):
    batches[0]['inputs'][1][0, 0, 0, 1] = math.nan  # class 2, part 1
    worth = exact_coalition_values(estimator, Stub(), batches)
    assert worth[:2].isfinite().all()
    # If part 1 is replaced, the sample is complete again.
    with_part = [bool(slot >> 1 & 1) for slot in range(8)]
    assert worth[2].isnan().tolist() == with_part


def test_top_combinations():
    rows = all_coalitions(5)
    worth = torch.stack([rows[:, [1, 4]].all(1), rows[:, [0, 2, 3]].all(1)])
    values, pair = top_combination(worth.double(), 2)
    assert pair[0].tolist() == [False, True, False, False, True]
    # By Eq. (2), the pair itself gains in every context.
    assert values[0] == pytest.approx(1)
    values, triple = top_combination(worth.double(), 3)
    assert triple[1].tolist() == [True, False, True, True, False]
    assert values[1] == pytest.approx(1)
    # Two parts have no triple.
    assert top_combination(worth[:, :4].double(), 3)[1].shape == (2, 2)


@pytest.mark.parametrize(
    ('pair', 'triple', 'salient', 'found'),
    [
        ('ab', 'abc', '', None),
        ('ab', 'cde', 'b', True),
        ('ab', 'cde', 'e', True),
        ('ab', 'bcd', 'ac', False),
        ('ab', 'bcd', 'bd', True),
        ('ab', 'abc', 'abd', False),
        ('de', 'abc', 'abc', True),
        ('ab', 'cde', 'abcd', True),  # the pair has only salient parts
        ('ae', 'bcd', 'abcd', True),
        ('ae', 'bce', 'abcd', False),
    ],
)
def test_finding_salient_parts(pair, triple, salient, found):
    assert finds_salient(set(pair), set(triple), set(salient)) is found


@pytest.mark.parametrize(
    ('salient', 'chance'), [('a', 0.76), ('ab', 0.37), ('abc', 0.1)]
)
def test_chance_to_find(salient, chance):
    """For one part it is 1 - (1 - 2/5) (1 - 3/5), and so on."""
    found = chance_to_find('abcde', set(salient))
    assert found == pytest.approx(chance)
    assert chance_to_find('abcde', set('abcd')) == pytest.approx(0.76)


def test_rank_correlation_equals_scipys(rng):
    a, b = rng.normal(size=(2, 6, 20))
    b[0] = np.exp(a[0])  # the same order
    b[1] = -a[1]
    a[2], b[2] = a[2].round(), b[2].round()  # ties
    a[3, :5] = 1
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    found = rank_correlation(torch.tensor(a), torch.tensor(b))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found[0] == pytest.approx(1) and found[1] == pytest.approx(-1)


def test_rank_correlation_of_nothing():
    a = torch.tensor([[1.0, 1, 1], [1, math.nan, 2], [1, 2, 3]])
    b = torch.tensor([[1.0, 2, 3]] * 3)
    for one, other in ((a, b), (b, a)):
        found = rank_correlation(one, other)
        assert found.isnan().tolist() == [True, True, False]


def test_comparison_of_tables():
    exact = torch.tensor([[1.0, 2, 3, 4], [math.nan] * 4, [4, 3, 2, 1]])
    running = torch.tensor([[1.5, 2, 3, 4], [9, 9, 9, 9], [1, 2, 3, 4]])
    result = compare_tables(running, exact.double())
    square = (0.25 + 9 + 1 + 1 + 9) / 8
    assert result['rmse'] == pytest.approx(math.sqrt(square))
    assert result['rank_correlation'] == pytest.approx(0)  # 1 and -1
    assert result['num_classes'] == 2


def test_the_table_of_exact_values():
    mixer = make_mixer()
    worth = torch.rand(3, 32, dtype=torch.float64)
    worth[1] = math.nan
    parts = list(mixer.layout.parts)
    rows = exact_rows(
        worth, mixer, mixer.estimator, parts, ['a', 'b', 'c'], [4, 0, 2]
    )
    assert len(rows) == 96
    assert rows[0]['coalition'] == 'none' and rows[0]['saliency'] == 0
    coalitions = mixer.coalitions > 0.5
    exact = shapley_values(worth, coalitions)
    running = mixer.estimator.saliency()
    for s, index in enumerate(coalition_index(coalitions).tolist()):
        row = rows[2 * 32 + index]
        assert row['name'] == 'c' and row['samples'] == 2
        assert row['worth'] == float(worth[2, index])
        assert row['saliency'] == pytest.approx(float(exact[2, s]))
        assert row['running'] == pytest.approx(float(running[2, s]))
        assert math.isnan(rows[32 + index]['saliency'])
    chosen = [r for r in rows[64:] if r['normalised'] != '']
    assert len(chosen) == 20
    assert sum(abs(r['normalised']) for r in chosen) == pytest.approx(1)
    whole = rows[-1]
    assert whole['num_joints'] == 25 and whole['running'] == ''
    assert whole['saliency'] == pytest.approx(
        float(worth[2, 31] - worth[2, 0])
    )
    alone = exact_rows(
        worth, None, mixer.estimator, parts, ['a', 'b', 'c'], [4, 0, 2]
    )
    assert 'running' not in alone[0]
