"""InfoGCN's head against its formulas; see also test_information.py."""

import pytest
import torch
import torch.nn.functional as F
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.functional.draws import make_generator
from mmshapmix.functional.information import latent_loss, sample_codes
from mmshapmix.models import EqualizationLoss, InfoGCNHead
from mmshapmix.models.estimators import SaliencyEstimator
from mmshapmix.models.mixers import Mixer
from mmshapmix.registry import MODELS

K, D = 6, 8
SEED = (0, 0, 5, 3)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def build(**options):
    torch.manual_seed(0)
    head = InfoGCNHead(K, D, **options)
    head.init_weights()
    return head


def features(number=8):
    torch.manual_seed(1)
    return torch.rand(number, 2, D, 3, 5)


def samples(labels, **marks):
    made = []
    for label in labels:
        made.append(ActionDataSample().set_gt_label(label))
        made[-1].set_metainfo(marks)
    return made


def mixed_batch():
    """Four clean samples of classes 0 to 3, and four added samples."""
    clean = F.one_hot(torch.arange(4), K).float()
    soft = torch.rand(4, K).softmax(1)
    batch = samples(clean, mixed=False, added=False)
    return clean, soft, batch + samples(soft, mixed=True, added=True)


def moments(head, x):
    pooled = torch.stack(
        [sample.transpose(0, 1).flatten(1).mean(1) for sample in x]
    )
    hidden = torch.relu(head.fc_latent(pooled))
    return head.fc_mu(hidden), head.fc_logvar(hidden)


def test_testing_takes_the_mean():
    head = build(dropout=0.5).eval()
    torch.testing.assert_close(
        head(features()), head.fc(moments(head, features())[0])
    )


@pytest.mark.parametrize('ratio', [0.5, 0.1])
def test_training_draws_from_the_seed_of_the_step(ratio):
    head = build(noise_ratio=ratio)
    mean, log_variance = moments(head, features())
    logits = []
    for seed in (SEED, SEED, (0, 0, 6, 3)):
        head.step_seed = seed
        logits.append(head(features()))
        codes = sample_codes(mean, log_variance, ratio, make_generator(seed))
        torch.testing.assert_close(logits[-1], head.fc(codes))
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])


def test_without_a_seed_the_global_generator_draws():
    head, logits = build(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        x = torch.ones(8, 2, D, 3, 5)
        logits.append(head(x))
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])


def test_no_two_kinds_draw_the_same():
    kinds = [
        kind
        for kind in MODELS.module_dict.values()
        if hasattr(kind, 'draw_stream')
    ]
    owners = {
        next(base for base in kind.__mro__ if 'draw_stream' in vars(base))
        for kind in kinds
    }
    assert {InfoGCNHead, EqualizationLoss, Mixer, SaliencyEstimator} <= owners
    assert len({owner.draw_stream for owner in owners}) == len(owners)


def test_each_half_has_its_own_losses():
    head = build()
    head.step_seed = SEED
    clean, soft, batch = mixed_batch()
    losses = head.loss(features(), batch)
    codes = head.encode(features())  # the same random draw
    for prefix, rows, labels in (
        ('', slice(4), clean),
        ('mixed_', slice(4, 8), soft),
    ):
        expected = dict(
            loss_cls=F.cross_entropy(head.fc(codes[rows]), labels),
            loss_latent=latent_loss(codes[rows], labels, head.z_prior),
        )
        for key, value in expected.items():
            torch.testing.assert_close(losses.pop(prefix + key), value)
    assert losses.keys() == {'top1_acc', 'top5_acc'}


@pytest.mark.parametrize('combine', ['sum', 'mean'])
def test_the_total_loss_trains_everything(combine):
    """Also with weights of 0, all parameters take part."""
    batch, totals = mixed_batch()[2], []
    for regularization in ((1e-4, 1e-1), (0, 0)):
        head = build(combine=combine, regularization=regularization)
        head.step_seed = SEED
        losses = head.loss(features(), batch)
        totals.append(sum(v for k, v in losses.items() if 'loss' in k))
        totals[-1].backward()
        assert all(p.grad.any() for p in head.parameters())
        latent = {key for key in losses if key.endswith('latent')}
    assert not latent and totals[0] > totals[1]


def test_hard_labels_and_label_smoothing():
    """Means cover classes with samples, not classes of smoothed labels."""
    head = build(label_smooth_eps=0.1)
    head.step_seed = SEED
    labels = torch.tensor([0, 3, 3, 0, 4, 3, 1, 1])
    losses = head.loss(features(), samples(labels[:, None]))
    codes = head.encode(features())
    torch.testing.assert_close(
        losses['loss_latent'],
        latent_loss(codes, F.one_hot(labels, K), head.z_prior),
    )


def test_the_latent_loss_asks_for_the_codes():
    batch = samples(torch.arange(4)[:, None])
    with pytest.raises(ValueError, match='Give them as `features`'):
        build().loss_by_feat(torch.zeros(4, K), batch)
    free = build(regularization=(0, 0))
    assert 'loss_cls' in free.loss_by_feat(torch.zeros(4, K), batch)


class Recorder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = []

    def forward(self, scores, labels, **kwargs):
        self.calls.append(kwargs)
        return scores.sum()


@pytest.mark.parametrize('passes', [False, True])
def test_the_loss_gets_what_the_classifier_sees(passes):
    head = build(pass_features=passes)
    head.loss_cls = Recorder()
    head.step_seed = SEED
    head.loss(features(), mixed_batch()[2])
    codes = head.encode(features()).split(4)
    assert len(head.loss_cls.calls) == 2
    for kwargs, rows in zip(head.loss_cls.calls, codes, strict=True):
        assert kwargs.keys() == ({'features'} if passes else set())
        if passes:
            torch.testing.assert_close(kwargs['features'], rows)


def test_several_clips_are_averaged():
    head = build().eval()
    scores = head(features()).softmax(1)
    labels = torch.zeros(4, 1, dtype=torch.int64)
    found = head.predict(features(), samples(labels, num_segs=2))
    for i, sample in enumerate(found):
        expected = scores[2 * i : 2 * i + 2].mean(0)
        torch.testing.assert_close(sample.pred_score, expected)


def test_the_prior_is_the_same_in_all_runs_and_no_state():
    torch.manual_seed(7)
    head = InfoGCNHead(K, D)
    prior = build().z_prior
    assert torch.equal(head.z_prior, prior)
    torch.testing.assert_close(prior @ prior.T, 9 * torch.eye(K))
    assert 'z_prior' not in head.state_dict()


def test_it_begins_as_the_authors():
    torch.manual_seed(0)
    head = InfoGCNHead(50, 256)
    head.init_weights()
    assert head.fc.weight.std().item() == pytest.approx(0.2, rel=0.03)
    bound = (2 * 6 / (256 + 256)) ** 0.5
    for layer in (head.fc_latent, head.fc_mu, head.fc_logvar):
        largest = layer.weight.abs().max().item()
        assert largest == pytest.approx(bound, rel=0.01)
    other = InfoGCNHead(
        50, 256, init_cfg=dict(type='Constant', val=1, layer='Linear')
    )
    other.init_weights()
    assert (other.fc.weight == 1).all()


def test_half_precision_and_compilation():
    head, x = build(), features()
    head.step_seed = SEED
    batch = mixed_batch()[2]
    expected = head.loss(x, batch)
    torch.compiler.reset()
    compiled = torch.compile(head.encode, backend='eager')
    torch.testing.assert_close(compiled(x), head.encode(x))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = head.loss(x, batch)
    for key in ('loss_latent', 'mixed_loss_latent'):
        assert losses[key].dtype == torch.float32
        torch.testing.assert_close(
            losses[key], expected[key], rtol=0.02, atol=0
        )
    compiled = torch.compile(head.eval(), backend='eager', fullgraph=True)
    torch.testing.assert_close(compiled(x), head(x))


@pytest.mark.parametrize('weights', [(1e-4,), (1e-4, -1)])
def test_wrong_weights_are_refused(weights):
    with pytest.raises(ValueError, match='Expected `regularization`.*got'):
        build(regularization=weights)
