"""The cosine head against the vector, and its output in each mode."""

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.engine.hooks.second_stage_hook import initialize_anew
from mmshapmix.models.heads.cosine_gcn_head import CosineGCNHead, CosineLinear

from ..vectors import assert_is, double

K, D = 5, 8


def head(loss_scale=30, **options):
    init_default_scope('mmaction')
    return MODELS.build(
        dict(
            type='mmshapmix.CosineGCNHead',
            num_classes=K,
            in_channels=D,
            loss_cls=dict(type='mmshapmix.LDAMLoss', scale=loss_scale),
            **options,
        )
    )


def test_the_classifier_is_the_vector(vectors):
    vector = vectors['normed_linear']
    features = double(vector['inputs']['feats'])
    weight = double(vector['inputs']['weight_DxC']).T
    classifier = CosineLinear(4, 3).double()
    with torch.no_grad():
        classifier.weight.copy_(weight)
    assert_is(classifier(features).detach(), vector['expected']['logits'])
    naive = F.cosine_similarity(features[:, None], weight[None], dim=2)
    torch.testing.assert_close(classifier(features).detach(), naive)


def test_logits_are_cosines_whatever_the_lengths():
    model = head()
    model.init_weights()
    features = torch.randn(6, 2, D, 3, 4).abs()
    cosines = model(features)
    assert cosines.abs().max() <= 1 + 1e-6 and cosines.std() > 0.05
    torch.testing.assert_close(model(7 * features), cosines)
    assert model.fc.bias is None


@pytest.mark.parametrize('anew', [False, True])
def test_class_vectors_begin_with_a_norm_of_one(anew):
    model = head()
    model.init_weights()
    if anew:
        before = model.fc.weight.detach().clone()
        initialize_anew(model)
        assert not torch.isclose(model.fc.weight, before).all()
    torch.testing.assert_close(model.fc.weight.norm(dim=1), torch.ones(K))


def test_class_vectors_do_not_run_away():
    """Short ones would: their gradients are proportional to 1 / norm."""
    torch.manual_seed(0)
    model = head()
    model.init_weights()
    model.loss_cls.set_class_counts(torch.tensor([40, 20, 10, 5, 3]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0125, momentum=0.9)
    features, labels = torch.rand(64, 1, D, 1, 1), torch.arange(64) % K
    for _ in range(20):
        optimizer.zero_grad()
        model.loss_cls(model(features), labels).backward()
        optimizer.step()
    norms = model.fc.weight.detach().norm(dim=1)
    assert norms.max() < 2 and not torch.isclose(norms, torch.ones(K)).any()


def test_another_scale_than_that_of_the_loss_is_refused():
    with pytest.raises(ValueError, match=r'its loss, \{30\}, but got 20'):
        head(scale=20)


def test_the_loss_gets_the_cosines():
    model = head()
    model.loss_cls.set_class_counts(torch.tensor([9, 7, 5, 3, 2]))
    features = torch.randn(4, 1, D, 3, 4)
    samples = [ActionDataSample().set_gt_label(i) for i in range(4)]
    losses = model.loss(features, samples)
    expected = model.loss_cls(model(features), torch.arange(4))
    torch.testing.assert_close(losses['loss_cls'], expected)


def test_cosines_are_scaled_in_evaluation_mode_alone():
    """Code that reads the output, such as a hook, gets scaled cosines."""
    model = head(20, scale=20)
    features, seen = torch.randn(6, 1, D, 3, 4), []
    model.register_forward_hook(lambda *args: seen.append(args[2]))
    cosines = model(features)
    model.eval()
    model(features)
    torch.testing.assert_close(seen[1], 20 * cosines)
    model.train()
    assert torch.equal(model(features), cosines)


def test_clips_are_averaged_as_probabilities_of_scaled_cosines():
    model = head(20, scale=20)
    features = torch.randn(6, 1, D, 3, 4)  # three clips of two samples
    samples = [ActionDataSample().set_gt_label(i) for i in range(2)]
    clips = (20 * model(features)).softmax(1)
    model.eval()
    scores = torch.stack(
        [s.pred_score for s in model.predict(features, samples)]
    )
    torch.testing.assert_close(scores, clips.view(2, 3, K).mean(1))
    assert isinstance(model, CosineGCNHead)
