"""Trainings build, and train as their recipes say.

The data are small stand-ins with the real names, splits and forms.
"""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner

from mmshapmix.engine.models import mixer_of
from mmshapmix.functional.layouts import get_layout
from mmshapmix.functional.longtail import reverse_frequency
from mmshapmix.models import DeferredLoss

from .conftest import make_data
from .leaves import (
    leaves,
    load,
    loaders_of,
)
from .recipes import BACKBONES, Name, late_cosine, steps
from .running import forget_runs

pytestmark = pytest.mark.filterwarnings(
    'ignore:The profile asks for', 'ignore:Detected call of `scheduler.step'
)


@pytest.fixture(scope='module', autouse=True)
def stand_ins(tmp_path_factory):
    """A working folder with data/skeleton/*.pkl, at least a batch in each."""
    root = tmp_path_factory.mktemp('configs')
    folder = root / 'data' / 'skeleton'
    (folder / 'kpfiles').mkdir(parents=True)
    contents = {
        'nwucla': make_data(
            10, 2, 20, splits=('xview_train', 'xview_train_clean', 'xview_val')
        ),
        'synthetic': make_data(16, 2, 25),
        'penn_action': make_data(15, 2, 13, 2, scores=True),
        'sbu': make_data(
            8, 2, 15, persons=2, splits=('fold0_train', 'fold0_val')
        ),
    }
    # One class has half the samples, so an epoch of BRL's sampler is longer.
    names = contents['nwucla']['split'].values()
    for rows in (contents['nwucla']['annotations'], *names):
        rows.pop()
    for classes, other in ((60, 'xview'), (120, 'xset')):
        splits = [
            f'{kind}_{part}'
            for kind in ('xsub', other)
            for part in ('train', 'val')
        ]
        contents[f'ntu{classes}_3d'] = make_data(
            classes, 120 // classes, 25, persons=2, splits=splits
        )
        contents[f'ntu{classes}_2d'] = make_data(
            classes, 1, 17, 2, persons=2, scores=True, splits=splits
        )
    contents['k400_2d'] = compressed(folder / 'kpfiles')
    for name, content in contents.items():
        (folder / f'{name}.pkl').write_bytes(pickle.dumps(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        yield root


def compressed(folder):
    """Data like Kinetics: keypoints in a separate file for each sample."""
    data = make_data(400, 1, 17, 3)
    for row in data['annotations']:
        boxes = row.pop('keypoint')[0].astype(np.float16)
        pack = dict(keypoint=boxes, frame_inds=np.arange(len(boxes)))
        path = folder / f'{row["frame_dir"]}.pkl'
        path.write_bytes(pickle.dumps(pack))
        row.update(
            box_score=np.ones(len(boxes)),
            img_shape=(240, 320),
            valid={0.5: len(boxes)},
        )
    return data


def built(cfg):
    """Runner, data loaders and data sets of a config."""
    runner = Runner.from_cfg(cfg)
    loops = dict(
        train=runner.train_loop, val=runner.val_loop, test=runner.test_loop
    )
    loaders = {part: loop.dataloader for part, loop in loops.items()}
    runner.call_hook('before_run')  # tells the mixer about the data
    datasets = {}
    for part, loader in loaders.items():
        inner = loader.dataset
        while hasattr(inner, 'dataset'):
            inner = inner.dataset
        datasets[part] = inner
    return SimpleNamespace(runner=runner, loaders=loaders, datasets=datasets)


@pytest.mark.parametrize(**leaves())
def test_a_training_is_what_its_words_say(name):
    """One test checks everything, since building takes most of the time."""
    cfg = load(name)
    leaf = built(cfg)
    leaf.cfg, leaf.name = cfg, name
    leaf.mixer = leaf.runner.model.data_preprocessor.blending
    try:
        check_model_and_loaders(leaf)
        check_mixer(leaf)
        check_mixing(leaf)
        check_sampler(leaf)
        check_last_batch(leaf)
        check_late_loss(leaf)
        check_settings(leaf)
        check_learning_rates(leaf)
    finally:
        forget_runs()


def hooks_of(runner):
    return {type(hook).__name__: hook for hook in runner.hooks}


def settings_of(module, names):
    return {name: getattr(module, name) for name in names}


def check_model_and_loaders(leaf):
    hooks = {'ClassCountsHook', 'PerClassTableHook'}
    hooks |= {'SeedHook', 'PublishedCheckpointHook'}
    assert hooks <= hooks_of(leaf.runner).keys()
    layout = get_layout(loaders_of(leaf.cfg)['train']['layout'])
    head, backbone = leaf.runner.model.cls_head, leaf.runner.model.backbone
    assert backbone.graph.num_node == layout.num_joints
    persons = {
        row.num_person
        for part in loaders_of(leaf.cfg).values()
        for row in part.pipeline
        if row.type == 'FormatGCNInput'
    }
    for part, inner in leaf.datasets.items():
        assert inner.num_classes == head.num_classes
        assert len(leaf.loaders[part]) > 0
        clip = inner[0]['inputs']
        assert torch.isfinite(clip).all()
        assert clip.shape[1:] == (
            *persons,
            leaf.name.clip_len,
            layout.num_joints,
            3,
        )
    assert len(leaf.loaders['test'].dataset) == len(leaf.datasets['test'])


def check_mixer(leaf):
    """Check the mixer, its estimator and the hook that uses the estimator."""
    expected, mixer = leaf.name.mixer, leaf.mixer
    saliency = hooks_of(leaf.runner).get('SaliencyHook')
    if expected is None:
        assert mixer is None and saliency is None
        return
    kind, settings, *guidance = expected
    expected = (kind, leaf.name.output)
    assert (type(mixer).__name__, mixer.output) == expected
    assert leaf.runner.model.cls_head.combine == 'sum'
    if settings.get('temporal') == 'resampled':
        settings = settings | dict(window=(0.4, 0.7))
    assert settings_of(mixer, settings) == settings
    assert (mixer.estimator is not None) == (saliency is not None)
    assert (mixer.estimator is not None) == bool(guidance)
    if guidance:
        kind, settings = guidance
        assert type(mixer.estimator).__name__ == kind
        assert settings_of(mixer.estimator, settings) == settings
        assert mixer.estimator.num_classes == mixer.num_classes
        short = (leaf.name.folder, leaf.name.kind) == ('shapmix', 'synthetic')
        warmup = 3 if short else 5
        settings = dict(interval=1, share=1, warmup='st-mix')
        settings.update(warmup_epochs=warmup)
        assert settings_of(saliency, settings) == settings


def check_mixing(leaf):
    """Check that only training mixes, with the data's layout and classes."""
    if leaf.mixer is None:
        return
    dataset, model = leaf.datasets['train'], leaf.runner.model
    assert leaf.mixer.layout == dataset.layout
    assert leaf.mixer.num_classes == dataset.num_classes
    leaf.mixer.phase = 'unguided'  # as in the warm-up
    leaf.mixer.set_class_counts(torch.ones(dataset.num_classes))
    leaf.mixer.fraction = 1  # since the batch is so small
    clean = model.data_preprocessor(
        pseudo_collate([leaf.datasets['val'][i] for i in range(3)])
    )['inputs']
    batch = model.data_preprocessor(
        pseudo_collate([dataset[i] for i in range(3)]), training=True
    )
    marks = [True] * 3
    if leaf.mixer.output == 'both':
        marks = [False] * 3 + marks
    assert batch['inputs'].shape == (len(marks), *clean.shape[1:])
    labels = torch.stack([s.gt_label for s in batch['data_samples']])
    assert labels.shape == (len(marks), model.cls_head.num_classes)
    assert [s.mixed for s in batch['data_samples']] == marks


def check_sampler(leaf):
    sampler = leaf.loaders['train'].sampler
    kind, settings = leaf.name.sampler
    assert type(sampler).__name__ == kind
    counts, times = leaf.datasets['train'].class_counts, leaf.name.recipe.times
    draws = times * counts
    if kind == 'ReverseFrequencySampler':
        keeps = settings.pop('keep_length', False)
        draws = draws * reverse_frequency(counts, **settings)
        draws = draws * (times * counts.sum() / draws.sum() if keeps else 1)
        np.testing.assert_allclose(sampler.draws, draws, atol=1)
    elif 'same_length_as' in settings:
        draws = draws * reverse_frequency(counts)
    assert len(sampler) == round(draws.sum())


def check_last_batch(leaf):
    """Only training in configs/shapmix drops the last batch."""
    for part, loader in leaf.loaders.items():
        dropped = part == 'train' and leaf.name.folder == 'shapmix'
        assert loader.drop_last == dropped
        steps = len(loader.sampler) / loader.batch_size
        assert len(loader) == (np.floor(steps) if dropped else np.ceil(steps))


def check_late_loss(leaf):
    """The late loss holds for the last 20 of 120 passes, or 5 of 24 epochs."""
    hook = hooks_of(leaf.runner).get('DeferredLossHook')
    loss = leaf.runner.model.cls_head.loss_cls
    share = leaf.name.late
    assert isinstance(loss, DeferredLoss) == (hook is not None) == (share > 0)
    if hook is None:
        return
    late = leaf.runner.max_iters - hook.first_iteration(leaf.runner)
    assert late == pytest.approx(leaf.runner.max_iters * share, abs=0.51)


def check_settings(leaf):
    name, cfg, recipe = leaf.name, leaf.cfg, leaf.name.recipe
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.nesterov) == ('SGD', True)
    assert (optimizer.lr, optimizer.momentum) == (0.1, 0.9)
    assert optimizer.weight_decay == recipe.weight_decay
    # The learning rate is 0.1 * total batch / batch of the recipe.
    assert cfg.auto_scale_lr.enable
    assert cfg.auto_scale_lr.base_batch_size == recipe.batch
    train = cfg.train_dataloader.dataset
    assert train.times == recipe.times
    assert train.times * cfg.train_cfg.max_epochs == recipe.passes
    tail = train.dataset.get('long_tail')
    assert name.long_tail == (
        tail and (tail.max_per_class, tail.imbalance_ratio)
    )
    lengths = {
        row.clip_len for row in train.dataset.pipeline if 'clip_len' in row
    }
    assert lengths == {name.clip_len}


def learning_rates(runner):
    """Rates of all iterations, with the schedulers of ``Runner.train``."""
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    schedulers = runner.build_param_scheduler(runner.param_schedulers)
    rates = []
    for _ in range(runner.max_epochs):
        for _ in range(len(runner.train_dataloader)):
            rates.append(runner.optim_wrapper.get_lr()['lr'][0])
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
        for scheduler in schedulers:
            if scheduler.by_epoch:
                scheduler.step()
    return np.array(rates)


def check_learning_rates(leaf):
    """Check the rates of the whole training against the recipe."""
    rates, recipe = learning_rates(leaf.runner), leaf.name.recipe
    epochs = recipe.passes // recipe.times
    epoch = np.arange(len(rates)) * epochs / len(rates)
    rate = 0.1 * leaf.loaders['train'].batch_size / recipe.batch
    np.testing.assert_allclose(
        rates, rate * recipe.factor(epoch, epochs), rtol=1e-9, atol=1e-12
    )


def test_the_rates_of_the_steps():
    """20 % in the first epoch, all from the fifth on, then tenths."""
    epoch = np.array([0, 0.9, 1, 2, 3, 4, 59.9, 60, 79.9, 80, 99.9])
    np.testing.assert_allclose(
        steps(60, 80)(epoch, 100),
        [0.2, 0.2, 0.4, 0.6, 0.8, 1, 1, 0.1, 0.1, 0.01, 0.01],
    )


@pytest.mark.parametrize('folder', ['baseline', 'shapmix'])
def test_the_cosine_ends_with_the_training(folder):
    """Also if --cfg-options changes the number of epochs."""
    name = Name(folder, 'stgcnpp', 'ce', 'joint', 'k400-2d')
    recipe = name.recipe
    runner = built(load(name, **{'train_cfg.max_epochs': 9})).runner
    rates, first = learning_rates(runner), recipe.factor(np.zeros(1), 9)
    factor = recipe.factor(np.arange(len(rates)) * 9 / len(rates), 9)
    np.testing.assert_allclose(rates / rates[0], factor / first, atol=1e-9)


def test_the_rates_of_the_released_kinetics_training():
    """Rates as the release prints them by epoch; between them by iteration."""
    epoch = np.array([0, 1.9, 2, 3, 4, 5, 6, 7, 70])
    rates = [0.02, 0.04, 0.06, 0.08, 0.1, 0.1, 0.0999, 0.0998, 0.0001]
    found = 0.1 * late_cosine(epoch, 70)
    np.testing.assert_allclose(found, rates, atol=5e-5)
    between = late_cosine(np.array([36, 36.5, 37]), 70)
    assert (np.diff(between) < 0).all()


@pytest.mark.parametrize('model', ['stgcnpp', *BACKBONES])
def test_each_backbone_trains_with_shapmix(model, tmp_path):
    """A small model trains an epoch, with saliency, and then validates."""
    name = Name('shapmix', model, 'shapmix', 'joint', 'nw-ucla-lt')
    small = dict(
        base_channels=16, num_stages=3, inflate_stages=[2], down_stages=[3]
    )
    head = 32
    if model == 'msg3d':
        small, head = dict(base_channels=12), 48
    options = {f'model.backbone.{key}': value for key, value in small.items()}
    options['model.cls_head.in_channels'] = head
    options['default_hooks.saliency.warmup_epochs'] = 0
    cfg = load(name, **options)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.work_dir = str(tmp_path)
    runner = built(cfg).runner
    runner.train()
    moved = runner.optim_wrapper.optimizer.state
    for name, value in runner.model.named_parameters():
        assert torch.isfinite(value).all(), name
        assert value in moved, name  # the parameter had a gradient
    estimator = mixer_of(runner.model).estimator
    assert estimator.visits.sum() > 0
    assert 'val/acc/top1' in runner.message_hub.log_scalars
