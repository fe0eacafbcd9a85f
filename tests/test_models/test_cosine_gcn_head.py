"""The cosine head against the vector, and what it gives in each mode."""

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.models.heads.cosine_gcn_head import CosineGCNHead, CosineLinear

from ..vectors import assert_is, double

K, D = 5, 8


def head(**options):
    init_default_scope('mmaction')
    return MODELS.build(
        dict(
            type='mmshapmix.CosineGCNHead',
            num_classes=K,
            in_channels=D,
            loss_cls=dict(type='mmshapmix.LDAMLoss'),
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


def test_the_loss_gets_the_cosines():
    model = head()
    model.loss_cls.set_class_counts(torch.tensor([9, 7, 5, 3, 2]))
    features = torch.randn(4, 1, D, 3, 4)
    samples = [ActionDataSample().set_gt_label(i) for i in range(4)]
    losses = model.loss(features, samples)
    expected = model.loss_cls(model(features), torch.arange(4))
    torch.testing.assert_close(losses['loss_cls'], expected)


def test_cosines_are_scaled_in_evaluation_mode_alone():
    """Whoever looks at the output, as a hook does, sees the scale."""
    model = head(scale=20.0)
    features, seen = torch.randn(6, 1, D, 3, 4), []
    model.register_forward_hook(lambda *args: seen.append(args[2]))
    cosines = model(features)
    model.eval()
    model(features)
    torch.testing.assert_close(seen[1], 20 * cosines)
    model.train()
    assert torch.equal(model(features), cosines)


def test_clips_are_averaged_as_probabilities_of_scaled_cosines():
    model = head(scale=20.0)
    features = torch.randn(6, 1, D, 3, 4)  # three clips of two samples
    samples = [ActionDataSample().set_gt_label(i) for i in range(2)]
    clips = (20 * model(features)).softmax(1)
    model.eval()
    scores = torch.stack(
        [s.pred_score for s in model.predict(features, samples)]
    )
    torch.testing.assert_close(scores, clips.view(2, 3, K).mean(1))
    assert isinstance(model, CosineGCNHead)
