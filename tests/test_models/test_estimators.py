"""Estimators with a stub for which the value of each coalition is known."""

import pytest
import torch
from mmaction.models import RecognizerGCN
from mmengine.registry import init_default_scope
from torch import nn

from mmshapmix.functional.coalitions import coalitions_of_sizes
from mmshapmix.functional.draws import make_generator
from mmshapmix.functional.layouts import get_layout, joint_masks
from mmshapmix.functional.shapley import shapley_values
from mmshapmix.models.estimators import (
    CoalitionValues,
    GradCAM,
    MarginalContributions,
)

from ..test_functional.test_shapley import standard_errors

K, M, T = 3, 2, 4
LAYOUT = get_layout('coco')
COALITIONS = coalitions_of_sizes(5, (2, 3))
POSE = -7.0  # no sample has this value


class Stub(nn.Module):
    """Sees which parts are present, and predicts the value of its game."""

    def __init__(self, seed=0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.logits = torch.randn(32, K, generator=g) * 2
        self.worth = self.logits.softmax(1).T.double()  # (K, 32)
        self.calls = 0

    def forward(self, inputs, stage, mode):
        assert (stage, mode) == ('head', 'tensor')
        inputs = inputs.flatten(0, 1)
        self.calls += len(inputs)
        index = torch.zeros(len(inputs), dtype=torch.long)
        for p, joints in enumerate(LAYOUT.parts.values()):
            seen = inputs[:, 0][..., list(joints), :] != POSE
            assert (seen.flatten(1).all(1) == seen.flatten(1).any(1)).all()
            index += seen.flatten(1).all(1) * 2**p
        return self.logits[index]


def estimator(kind, **options):
    made = kind(
        num_classes=K,
        coalitions=COALITIONS,
        part_joints=joint_masks(LAYOUT),
        **options,
    )
    if made.mean_pose is not None:
        made.mean_pose = torch.full((M, 17, 3), POSE)
    return made


def observe(made, model, steps, number=32, clips=1):
    torch.manual_seed(0)
    for step in range(steps):
        labels = torch.randint(K, (number,))
        inputs = torch.rand(number, clips, M, T, 17, 3) + 1
        with torch.no_grad():
            slots, values = made.observe(
                model, inputs, labels, make_generator((step,))
            )
        made.update(labels, slots, values)


@pytest.mark.parametrize('paired', [False, True])
@pytest.mark.parametrize('clips', [1, 2])
def test_coalition_values_are_those_of_the_game(paired, clips):
    model, made = Stub(), estimator(CoalitionValues, paired=paired)
    observe(made, model, 60, clips=clips)
    assert model.calls == 60 * 32 * clips * (2 if paired else 1)
    assert (made.visits > 0).all()
    torch.testing.assert_close(
        made.table.double(), model.worth, atol=1e-6, rtol=0
    )
    torch.testing.assert_close(
        made.saliency().double(),
        shapley_values(model.worth, COALITIONS),
        atol=1e-6,
        rtol=0,
    )


def test_every_coalition_is_drawn_equally_often():
    made = estimator(CoalitionValues, paired=False)
    slots = torch.cat(
        [
            made.observe(
                Stub(),
                torch.rand(256, 1, M, 1, 17, 3),
                torch.zeros(256, dtype=torch.long),
                make_generator((step,)),
            )[0]
            for step in range(40)
        ]
    )
    share = torch.bincount(slots.flatten(), minlength=32) / slots.numel()
    error = 4 * (1 / 32 * 31 / 32 / slots.numel()) ** 0.5
    assert ((share - 1 / 32).abs() < error).all()


def test_a_pair_is_a_coalition_and_its_complement():
    made = estimator(CoalitionValues)
    slots, _ = made.observe(
        Stub(),
        torch.rand(64, 1, M, 1, 17, 3),
        torch.zeros(64, dtype=torch.long),
        make_generator((0,)),
    )
    assert (slots.sum(1) == 31).all() and len(slots.unique()) > 20


@pytest.mark.parametrize('clamp', [False, True])
def test_marginal_contributions_approach_the_exact_values(clamp):
    """Plain means are used here. With clamping, they are larger."""
    model = Stub()
    made = estimator(MarginalContributions, clamp=clamp, momentum=0.99999)
    observe(made, model, 600)
    assert model.calls == 600 * 32 * 2
    exact = shapley_values(model.worth, COALITIONS)
    spread = torch.stack([standard_errors(w, draws=1) for w in model.worth])
    # Each visit is a mean of at least one contribution.
    error = (made.saliency().double() - exact) / spread * made.visits.sqrt()
    if clamp:
        assert (error > -4).all() and error.max() > 4
    else:
        assert error.abs().max() < 4


def test_a_table_forgets_at_its_momentum():
    made = estimator(CoalitionValues, momentum=0.5, paired=False)
    observe(made, Stub(0), 200)
    observe(made, Stub(1), 200)
    torch.testing.assert_close(
        made.table.double(), Stub(1).worth, atol=1e-3, rtol=0
    )


def test_absent_persons_stay_absent():
    made, seen = estimator(CoalitionValues), []

    class Spy(Stub):
        def forward(self, inputs, stage, mode):
            seen.append(inputs)
            return super().forward(inputs, stage, mode)

    inputs = torch.rand(8, 1, M, T, 17, 3) + 1
    inputs[:, :, 1] = 0
    made.observe(
        Spy(), inputs, torch.zeros(8, dtype=torch.long), make_generator((0,))
    )
    assert (seen[0][:, :, 1] == 0).all() and (seen[0][:, :, 0] != 0).all()


def test_predictions_that_are_not_finite_are_left_out_and_counted():
    model, made = Stub(), estimator(CoalitionValues)
    model.logits[5] = float('nan')
    observe(made, model, 60)
    assert made.table.isfinite().all() and made.saliency().isfinite().all()
    assert not made.visits[:, 5].any()
    others = [i for i in range(32) if i != 5]
    torch.testing.assert_close(
        made.table[:, others].double(), model.worth[:, others]
    )
    assert made.skipped > 50


@pytest.mark.parametrize(
    'kind', [CoalitionValues, MarginalContributions, GradCAM]
)
def test_a_class_never_seen_has_no_saliency(kind):
    made = estimator(kind)
    made.table[0], made.visits[0] = 0.7, 1
    assert not made.saliency()[1:].any()


def test_what_is_unknown_of_a_class_contributes_nothing():
    """Known are all parts and no part; the others take the mean of the two."""
    made = estimator(CoalitionValues)
    made.table[0, 0], made.table[0, 31] = 0.2, 0.8
    made.visits[0, 0] = made.visits[0, 31] = 1
    worth = torch.full((32,), 0.5)
    worth[0], worth[31] = 0.2, 0.8
    torch.testing.assert_close(
        made.saliency()[0], shapley_values(worth, COALITIONS)
    )


def test_the_state_travels_with_the_checkpoint():
    made = estimator(CoalitionValues)
    observe(made, Stub(), 5)
    assert set(made.state_dict()) == {'table', 'visits', 'mean_pose'}
    fresh = CoalitionValues(
        num_classes=K, coalitions=COALITIONS, part_joints=joint_masks(LAYOUT)
    )
    fresh.load_state_dict(made.state_dict())
    for name, value in made.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], value)
    # A stock checkpoint lacks no weights.
    assert not fresh.load_state_dict({}, strict=False).missing_keys


class TestGradCAM:
    @pytest.fixture
    def model(self):
        init_default_scope('mmaction')
        torch.manual_seed(0)
        model = RecognizerGCN(
            backbone=dict(
                type='STGCN',
                graph_cfg=dict(layout='coco', mode='stgcn_spatial'),
                base_channels=8,
                num_stages=2,
                inflate_stages=[],
                down_stages=[2],
            ),
            cls_head=dict(type='GCNHead', num_classes=K, in_channels=8),
        )
        model.init_weights()
        nn.init.normal_(model.cls_head.fc.weight)
        return model.eval()

    def test_it_is_the_classifier_on_the_features(self, model):
        """The gradient of a linear head is its weight over all places."""
        torch.manual_seed(0)
        inputs = torch.randn(4, 2, M, 8, 17, 3)
        labels = torch.tensor([0, 2, 1, 2])
        made = estimator(GradCAM)
        with torch.no_grad():
            slots, values = made.observe(model, inputs, labels, None)
            features = model.backbone(inputs.flatten(0, 1))
        assert slots.tolist() == [list(range(17))] * 4
        weight = model.cls_head.fc.weight[labels].repeat_interleave(2, 0)
        places = M * features.shape[3] * features.shape[4]
        cam = torch.einsum('nc,nmctv->nmtv', weight, features) / places
        expected = cam.relu().mean((1, 2)).view(4, 2, 17).mean(1)
        torch.testing.assert_close(values, expected)
        assert values.std() > 0
        assert all(p.grad is None for p in model.parameters())

    def test_a_coalition_has_the_sum_of_its_joints(self):
        made = estimator(GradCAM)
        made.table.copy_(torch.rand(K, 17))
        made.visits.fill_(1)
        parts = list(LAYOUT.parts.values())
        saliency = made.saliency()
        for s, row in enumerate(COALITIONS):
            joints = [v for p in row.nonzero().flatten() for v in parts[p]]
            torch.testing.assert_close(
                saliency[:, s], made.table[:, joints].sum(1)
            )

    def test_features_without_joints_are_refused(self, model):
        model.backbone = nn.AdaptiveAvgPool3d((8, 4, 5))
        made = estimator(GradCAM)
        with pytest.raises(ValueError, match='Expected features of 17 joints'):
            made.observe(
                model, torch.randn(2, 1, M, 8, 17, 3), torch.zeros(2), None
            )
