"""Second stages, and corrections of a classifier in testing, in a Runner."""

import copy
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.hooks import Hook

from mmshapmix.engine.hooks import MaxNormHook
from mmshapmix.functional.classifier import limit_norms, norm_limit
from mmshapmix.functional.longtail import long_tail_counts, progressive_shares

from ..running import leaf, train_distributed
from .conftest import CLASSES

FROZEN = {'model.type': 'mmshapmix.FrozenRecognizerGCN'}


def second_stage(reinitialize=False):
    hook = dict(type='mmshapmix.SecondStageHook', reinitialize=reinitialize)
    return {'default_hooks.second_stage': hook}


def max_norm(**options):
    hook = dict(type='mmshapmix.MaxNormHook', **options)
    return {'default_hooks.max_norm': hook}


CRT = FROZEN | second_stage(True)
LWS = FROZEN | second_stage()
LWS['model.cls_head.type'] = 'mmshapmix.ScaledGCNHead'
MAX_NORM = FROZEN | second_stage() | max_norm()
PLAIN = second_stage()


@pytest.fixture
def stage(build, tmp_path):
    """A runner with its own work folder."""

    def build_stage(name, epochs=1, **options):
        return build(
            work_dir=str(tmp_path / name),
            experiment_name=f'{tmp_path.name}_{name}',
            **{'train_cfg.max_epochs': epochs},
            **options,
        )

    return build_stage


@pytest.fixture
def path_of(tmp_path):
    """Path of a stage's checkpoint."""
    return lambda name, epoch=1: f'{tmp_path}/{name}/epoch_{epoch}.pth'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder with the first stage, which is trained once."""
    return tmp_path_factory.mktemp('first') / 'epoch_1.pth'


@pytest.fixture
def first(stage, path_of, trained, tmp_path):
    """A copy of the checkpoint of the first stage."""
    if not trained.exists():
        stage('first').train()
        shutil.copy(path_of('first'), trained)
    return str(shutil.copy(trained, tmp_path / 'first.pth'))


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


def assert_same(path, other):
    one, other = weights(path), weights(other)
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


class Spy(Hook):
    """Records the classifier's weight at the start and after each step."""

    priority = 'VERY_LOW'

    def before_train(self, runner):
        self.start = runner.model.cls_head.fc.weight.detach().clone()
        self.bias = runner.model.cls_head.fc.bias.detach().clone()
        self.norms = []

    def after_train_iter(self, runner, *args, **kwargs):
        weight = runner.model.cls_head.fc.weight.detach()
        self.norms.append(weight.norm(dim=1).max().item())


def spied(runner):
    spy = Spy()
    runner.register_hook(spy)
    runner.train()
    return spy


# Second stages --------------------------------------------------------------

CLASSIFIER = {'cls_head.fc.weight', 'cls_head.fc.bias'}


@pytest.mark.parametrize(
    ('method', 'learnt', 'head'),
    [
        (CRT, CLASSIFIER, 'a new'),
        (LWS, {'cls_head.fc.scale'}, "the first one's"),
        (MAX_NORM, CLASSIFIER, "the first one's"),
        (PLAIN, None, "the first one's"),
    ],
)
def test_what_a_second_stage_learns(
    stage, first, path_of, capfd, method, learnt, head
):
    """All else is bit-equal, unless it is not frozen; buffers, too."""
    spy = spied(stage('second', load_from=first, **method))
    said = f'Second stage, with {head} classifier head'
    assert said in capfd.readouterr().out
    before, after = weights(first), weights(path_of('second'))
    new = not torch.equal(spy.start, before['cls_head.fc.weight'])
    assert new == (method is CRT)
    scales = {'cls_head.fc.scale': torch.ones(CLASSES)}
    changed = {
        name
        for name, value in after.items()
        if not torch.equal(value, (before | scales)[name])
    }
    if learnt is None:
        assert {*CLASSIFIER, 'backbone.data_bn.running_mean'} < changed
    else:
        assert changed == learnt


def test_retraining_resumed_equals_uninterrupted(stage, first, path_of, capfd):
    """A resumed stage keeps its new head, which starts as in GCNHead."""
    begun = spied(stage('whole', 2, load_from=first, **CRT))
    before = weights(first)
    assert not torch.isclose(begun.start, before['cls_head.fc.weight']).any()
    assert before['cls_head.fc.bias'].all() and not begun.bias.any()
    assert 0.005 < begun.start.std() < 0.02
    half, whole = path_of('whole'), path_of('whole', 2)
    resumed = spied(stage('rest', 2, load_from=half, resume=True, **CRT))
    assert torch.equal(resumed.start, weights(half)['cls_head.fc.weight'])
    assert_same(path_of('rest', 2), whole)
    said = capfd.readouterr().out
    assert said.count('a new classifier head') == 1
    assert said.count('Second stage, resumed') == 1


@pytest.mark.parametrize('resume', [False, True])
def test_a_second_stage_needs_a_first(stage, resume):
    """Also with --resume if there is no checkpoint yet."""
    with pytest.raises(ValueError, match='--load-from work_dirs'):
        stage('second', resume=resume, **CRT).train()


def test_a_first_stage_is_not_resumed_as_a_second(stage, path_of):
    """Otherwise nothing would be trained, without any warning."""
    stage('first').train()
    options = dict(load_from=path_of('first'), resume=True)
    with pytest.raises(ValueError, match='checkpoint is of another training'):
        stage('second', 2, **options, **CRT).train()


def test_a_second_stage_that_keeps_the_classifier_needs_it(stage, first):
    saved = torch.load(first, weights_only=True)
    del saved['state_dict']['cls_head.fc.weight']
    torch.save(saved, first)
    with pytest.raises(ValueError, match=r'first\.pth has no cls_head\.fc\.w'):
        stage('second', load_from=first, **LWS).train()


WITNESS = """
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class Witness(Hook):
    priority = 'VERY_LOW'

    def before_train(self, runner):
        weights = runner.model.module.cls_head.state_dict()
        torch.save(weights, f'rank_{get_rank()}.pth')
"""


@pytest.mark.slow
def test_retraining_on_two_processes(stage, first, tmp_path, monkeypatch):
    """Although the seeds differ, both processes start with the same head."""
    monkeypatch.chdir(tmp_path)
    cfg = stage('dist', load_from=first, **CRT).cfg
    cfg.custom_imports.imports.append('witness')
    cfg.default_hooks.witness = dict(type='Witness')
    cfg.dump('crt.py')
    Path('witness.py').write_text(WITNESS)
    train_distributed('crt.py', 'dist', '--diff-rank-seed')
    one, other = (torch.load(f'rank_{i}.pth') for i in range(2))
    assert one['fc.weight'].any()
    assert torch.equal(one['fc.weight'], other['fc.weight'])
    before, after = weights(first), weights('dist/epoch_1.pth')
    assert not torch.isclose(
        one['fc.weight'], before['cls_head.fc.weight']
    ).any()
    for name, value in after.items():
        changed = not torch.equal(value, before[name])
        assert changed == (name in CLASSIFIER)


# MaxNorm --------------------------------------------------------------------


def limit_by_hand(path, share):
    norms = weights(path)['cls_head.fc.weight'].norm(dim=1)
    return (norms.min() + share * (norms.max() - norms.min())).item()


@pytest.mark.parametrize(
    ('share', 'reinitialize'), [(0.1, True), (0.6, False)]
)
def test_the_limit_is_of_the_first_stage(
    stage, first, path_of, share, reinitialize
):
    """Also if a new head replaces the rows of the first stage."""
    options = FROZEN | second_stage(reinitialize) | max_norm(share=share)
    stage('second', load_from=first, **options).train()
    path = path_of('second')
    limit = torch.load(path, weights_only=True)['meta']['max_norm']
    assert limit == pytest.approx(limit_by_hand(first, share))


@pytest.mark.parametrize('interval', ['iter', 'epoch'])
def test_no_row_is_longer_than_the_limit(stage, first, path_of, interval):
    """The limit holds after each step, or only at the end of an epoch."""
    options = FROZEN | second_stage() | max_norm(interval=interval)
    spy = spied(stage('second', load_from=first, **options))
    limit = limit_by_hand(first, 0.1) + 1e-6
    after = weights(path_of('second'))
    assert after['cls_head.fc.weight'].norm(dim=1).max() <= limit
    assert len(spy.norms) == 4
    below = [norm <= limit for norm in spy.norms]
    assert all(below) if interval == 'iter' else not any(below)


def test_a_resumed_run_has_the_same_limit(stage, first, path_of):
    stage('whole', 2, load_from=first, **MAX_NORM).train()
    half = path_of('whole')
    stage('rest', 2, load_from=half, resume=True, **MAX_NORM).train()
    metas = [
        torch.load(path_of(name, 2), weights_only=True)['meta']
        for name in ('whole', 'rest')
    ]
    assert metas[0]['max_norm'] == metas[1]['max_norm']
    assert metas[0]['max_norm'] == pytest.approx(limit_by_hand(first, 0.1))
    whole = path_of('whole', 2)
    assert_same(path_of('rest', 2), whole)


def classifier_norms(fc, method, steps, limit=None, weight_decay=None):
    """Norms of a classifier's rows by step, trained as in the benchmark.

    The features are fixed, with ten classes of 100 to 10 samples; loss and
    weight decay are those of the row. With a limit, this is a second stage
    with MaxNorm.
    """
    cfg = Config.fromfile(leaf(method))
    counts = torch.tensor(long_tail_counts(10, 100, 10))
    labels = torch.repeat_interleave(torch.arange(10), counts)
    random = torch.Generator().manual_seed(0)
    features = torch.randn(10, 32, generator=random)[labels]
    features += torch.randn(len(labels), 32, generator=random)
    settings = cfg.model.cls_head.get(
        'loss_cls', dict(type='CrossEntropyLoss')
    )
    loss = MODELS.build(settings)
    if hasattr(loss, 'set_class_counts'):
        loss.set_class_counts(counts)
    decay = weight_decay or cfg.optim_wrapper.optimizer.weight_decay
    optimizer = torch.optim.SGD(fc.parameters(), 0.05, 0.9, 0, decay, True)
    norms = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(fc(features.relu()), labels).backward()
        optimizer.step()
        if limit:
            with torch.no_grad():
                fc.weight.copy_(limit_norms(fc.weight, limit))
        norms.append(fc.weight.detach().norm(dim=1))
    return torch.stack(norms)


@pytest.mark.parametrize(
    ('first', 'second'),
    [
        ('ce-weight-decay', 'weight-balancing'),
        ('balanced-softmax', 'bs-maxnorm'),
    ],
)
def test_max_norm_acts_in_the_benchmark(first, second):
    """Rows lie at the limit throughout, and rows of the tail grow.

    With the release's weight decay, 0.1, all rows shrink away from the limit.
    """
    torch.manual_seed(0)
    fc = torch.nn.Linear(32, 10)
    begun = classifier_norms(fc, first, 600)[-1]
    limit = norm_limit(fc.weight.detach(), 0.1).item()
    shrunk = classifier_norms(copy.deepcopy(fc), second, 300, limit, 0.1)
    assert (shrunk[-1] < 0.7 * limit).all()
    assert (shrunk > limit - 1e-4).float().mean() < 0.01
    norms = classifier_norms(fc, second, 300, limit)
    assert (norms <= limit + 1e-4).all()
    assert (norms > limit - 1e-4).float().mean() > 0.8
    shortest = begun.argmin()
    assert shortest >= 7 and norms[-1, shortest] > begun[shortest]


def test_bad_intervals_are_refused():
    with pytest.raises(ValueError, match=r"\('iter', 'epoch'\).*'step'"):
        MaxNormHook(interval='step')


# Testing --------------------------------------------------------------------


def dump_to(path):
    evaluator = [dict(type='mmshapmix.DumpScores', out_file_path=str(path))]
    return dict(test_evaluator=evaluator)


def scores_of(runner, path):
    runner.test()
    with open(path, 'rb') as file:
        rows = pickle.load(file)
    return np.stack([row['pred_score'].numpy() for row in rows])


@pytest.mark.parametrize('hooks', [[], [dict(type='EMAHook')]])
def test_the_tau_normalised_classifier(stage, first, tmp_path, hooks):
    """Scores computed by hand from the features, with averaged weights too."""
    tau = {
        'default_hooks.tau': dict(
            type='mmshapmix.PostHocHook', correction='tau-norm', tau=0.7
        )
    }
    path = tmp_path / 'scores.pkl'
    runner = stage(
        'test',
        load_from=first,
        custom_hooks=hooks,
        **{'model.cls_head.average_clips': 'score'},
        **dump_to(path),
        **tau,
    )
    pooled, head = [], runner.model.cls_head
    head.register_forward_hook(
        lambda head, inputs, _: pooled.append(inputs[0].mean((1, 3, 4)))
    )
    scores = scores_of(runner, path)
    kept = weights(first)
    weight = kept['cls_head.fc.weight'].numpy()
    norms = np.linalg.norm(weight, axis=1, keepdims=True)
    by_hand = torch.cat(pooled).numpy() @ (weight / norms**0.7).T
    np.testing.assert_allclose(scores, by_hand, atol=1e-6)
    # After the test, the model is unchanged.
    assert kept['cls_head.fc.bias'].any()
    plain = torch.nn.functional.linear(pooled[0], *head.fc.parameters())
    torch.testing.assert_close(head.fc(pooled[0]), plain)


def adjusted(tau):
    hook = dict(
        type='mmshapmix.PostHocHook', correction='logit-adjustment', tau=tau
    )
    return {'default_hooks.adjustment': hook}


CLIPS = {'test_dataloader.dataset.pipeline.2.num_clips': 3}
MEASURED = [6, 4, 2, 2]
NO_COUNTS = {'default_hooks.class_counts': dict(type='EmptyCacheHook')}
NOT_KNOWN = 'does not know its class counts: measured 14 samples'


@pytest.mark.parametrize(
    ('in_checkpoint', 'options', 'counts'),
    [
        ([9, 4, 2, 1], {}, [9, 4, 2, 1]),
        (None, {}, MEASURED),
        ([9, 4, 2, 1], NO_COUNTS, MEASURED),
    ],
)
def test_post_hoc_adjustment(
    stage, first, tmp_path, capfd, in_checkpoint, options, counts
):
    """The same as adjusting the logits of each clip before the softmax."""
    saved = torch.load(first, weights_only=True)
    assert saved['meta'].pop('class_counts') == MEASURED
    if in_checkpoint:
        saved['meta']['class_counts'] = in_checkpoint
    torch.save(saved, first)
    plain, path = tmp_path / 'clips.pkl', tmp_path / 'adjusted.pkl'
    clips = scores_of(
        stage(
            'clips',
            load_from=first,
            **{'model.cls_head.average_clips': None},
            **dump_to(plain),
            **CLIPS,
        ),
        plain,
    )
    assert clips.shape == (24, 3, CLASSES) and np.ptp(clips, axis=1).all()
    runner = stage(
        'test',
        load_from=first,
        **dump_to(path),
        **CLIPS,
        **options,
        **adjusted(2.0),
    )
    scores = scores_of(runner, path)
    powers = np.exp(clips) * (np.array(counts) / sum(counts)) ** -2.0
    by_hand = (powers / powers.sum(2, keepdims=True)).mean(1)
    np.testing.assert_allclose(scores, by_hand, rtol=1e-4)
    measured = NOT_KNOWN in capfd.readouterr().out
    assert measured == (counts == MEASURED)
    # After the test, the model is unchanged.
    features, head = torch.randn(2, 1, 8, 3, 5), runner.model.cls_head
    pooled = features.mean((1, 3, 4))
    torch.testing.assert_close(head(features), head.fc(pooled))


@pytest.mark.parametrize(
    ('kind', 'twice'),
    [('mmshapmix.BalancedSoftmaxLoss', True), ('CrossEntropyLoss', False)],
)
def test_adjusting_twice_is_said(stage, first, capfd, kind, twice):
    loss = {'model.cls_head.loss_cls': dict(type=kind, _delete_=True)}
    stage('test', load_from=first, **loss, **adjusted(1.0)).test()
    assert ('adjusted twice' in capfd.readouterr().out) == twice


def test_the_adjustment_is_of_testing_alone(stage, first, path_of):
    """Validation is unchanged; hooks get the class counts in training, too."""
    losses = []
    for name, options in (('plain', {}), ('hooked', adjusted(5.0))):
        runner = stage(name, load_from=first, **options)
        runner.train()
        losses.append(weights(path_of(name)))
    for name, value in losses[0].items():
        assert torch.equal(value, losses[1][name])
    hook = next(h for h in runner.hooks if hasattr(h, 'set_class_counts'))
    assert hook.class_counts.tolist() == MEASURED


# Progressive sampling -------------------------------------------------------

PROGRESSIVE = {
    'train_dataloader.sampler': dict(
        type='mmshapmix.ProgressiveSampler', _delete_=True
    ),
    'train_dataloader.dataset.times': 2,
}


class Labels(Hook):
    """Records the samples on which each epoch trains."""

    def __init__(self):
        self.epochs = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.epochs.setdefault(runner.epoch, []).extend(
            (sample.gt_label.item(), sample.frame_dir)
            for sample in data_batch['data_samples']
        )


def epochs_of(runner):
    spy = Labels()
    runner.register_hook(spy)
    runner.train()
    return spy.epochs


def test_progressive_training(stage, path_of):
    """Through RepeatDataset; a resumed run draws the same samples."""
    seen = epochs_of(stage('whole', 3, **PROGRESSIVE))
    for epoch, samples in seen.items():
        drawn = np.bincount([label for label, _ in samples])
        exact = 28 * progressive_shares(np.array(MEASURED), epoch / 3)
        assert drawn.sum() == 28 and np.abs(drawn - exact).max() < 1
    path = path_of('whole', 2)
    options = dict(load_from=path, resume=True, **PROGRESSIVE)
    assert epochs_of(stage('rest', 3, **options)) == {2: seen[2]}


@pytest.mark.parametrize(
    'options',
    [
        {'default_hooks.seed': dict(type='DistSamplerSeedHook')},
        {
            'train_cfg': dict(
                type='IterBasedTrainLoop', max_iters=9, _delete_=True
            ),
            'param_scheduler': [],
        },
    ],
)
def test_progressive_training_needs_hook_and_epochs(build, options):
    with pytest.raises(RuntimeError, match='mmshapmix.SeedHook'):
        build(**PROGRESSIVE, **options).train()
