"""Classes that EqualizationLoss drops; see also test_benchmark_losses.py."""

import pytest
import torch
import torch.nn.functional as F

from mmshapmix.functional.criteria import margin_softmax, sigmoid
from mmshapmix.functional.draws import make_generator, sample_kept
from mmshapmix.models import EqualizationLoss

K = 4
COUNTS = torch.tensor([40, 3, 100, 1])


def equal(**options):
    """A loss that drops the classes of 3 samples and of 1 half of the time."""
    loss = EqualizationLoss(drop_prob=0.5, tail_share=0.1, **options)
    loss.set_class_counts(COUNTS)
    return loss


def batch(number):
    torch.manual_seed(0)
    return torch.randn(number, K), torch.arange(number) % K


@pytest.mark.parametrize('criterion', ['softmax', 'sigmoid'])
def test_what_is_dropped_is_drawn_from_the_seed_of_the_step(criterion):
    logits, labels = batch(64)
    function = dict(softmax=margin_softmax, sigmoid=sigmoid)[criterion]
    loss = equal(criterion=criterion)
    values = []
    for seed in ((0, 0, 0, 2), (0, 0, 1, 2)):
        loss.step_seed = seed
        kept = sample_kept(
            torch.tensor([0.0, 0.5, 0.0, 0.5]), 64, make_generator((*seed, 0))
        )
        table = function(logits, kept=kept)
        values.append(loss(logits, labels))
        torch.testing.assert_close(
            values[-1], table[torch.arange(64), labels].mean()
        )
    assert values[0] != values[1]


def test_two_calls_of_a_step_draw_apart():
    """As for clean and mixed samples; a repeated step draws the same."""
    logits, labels = batch(64)
    steps = []
    for _ in range(2):
        loss = equal()
        for seed in ((0, 0, 7, 2), (0, 0, 8, 2)):
            loss.step_seed = seed
            steps.append([loss(logits, labels).item() for _ in range(2)])
    assert steps[:2] == steps[2:]
    assert len({*steps[0], *steps[1]}) == 4


def test_without_a_seed_the_global_generator_draws():
    logits, labels = batch(64)
    loss = equal()
    values = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        values.append(loss(logits, labels).item())
    assert values[0] == values[1] != values[2]


def test_without_a_tail_it_is_cross_entropy_and_says_so():
    logits, labels = batch(6)
    loss = EqualizationLoss(drop_prob=1, tail_share=0.005)
    with pytest.warns(UserWarning, match='Raise `tail_share`.*has 0.0069'):
        loss.set_class_counts(COUNTS)
    plain = F.cross_entropy(logits, labels)
    torch.testing.assert_close(loss(logits, labels), plain)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(drop_prob=1.1), 'but got 1.1 and 0.005'),
        (dict(drop_prob=-0.1), 'but got -0.1'),
        (dict(tail_share=0), 'but got 0.9 and 0'),
        (dict(tail_share=2), 'but got 0.9 and 2'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        EqualizationLoss(**options)
