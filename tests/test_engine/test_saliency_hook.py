"""Estimation of saliency in a real Runner; see also test_end_to_end.py."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS

from mmshapmix.datasets.sample_index import seeded
from mmshapmix.engine.hooks import SaliencyHook
from mmshapmix.engine.hooks.saliency_hook import evaluating
from mmshapmix.engine.hooks.seed_hook import step_seed
from mmshapmix.engine.models import mixer_of
from mmshapmix.functional.draws import make_generator

from ..conftest import make_data
from .conftest import CLASSES

VALUES = 'shapmix-values'
PAPER = 'shapmix'
GRADCAM = 'gradcam'
SALIENCY = 'default_hooks.saliency.'
MIXER = 'model.data_preprocessor.blending.'
# 14 samples in batches of four.
STEPS = 4


@pytest.fixture
def shapmix(build):
    """A runner with Shap-Mix that mixes with guidance from the first step."""
    return partial(build, leaf=VALUES, **{f'{SALIENCY}warmup_epochs': 0})


class Watch(Hook):
    """Records input and result of the estimator, and calls a function."""

    def __init__(self, watch=lambda model: None):
        self.watch, self.seen, self.steps = watch, [], []

    def before_train(self, runner):
        estimator = mixer_of(runner.model).estimator
        observe = estimator.observe

        def spy(model, inputs, labels, generator):
            self.watch(model)
            slots, values = observe(model, inputs, labels, generator)
            self.seen.append((labels, slots, values))
            self.steps.append(runner.iter)
            return slots, values

        estimator.observe = spy


def train(runner, *args):
    watch = Watch(*args)
    runner.register_hook(watch)
    runner.train()
    return watch


@pytest.mark.parametrize('leaf', [VALUES, PAPER, GRADCAM])
def test_the_table_is_the_running_mean_of_what_was_observed(shapmix, leaf):
    runner = shapmix(leaf=leaf, **{'train_cfg.max_epochs': 3})
    watch = train(runner)
    assert len(watch.seen) == 3 * STEPS
    estimator = mixer_of(runner.model).estimator
    shape, momentum = estimator.table.shape, estimator.momentum
    table, visits = np.zeros(shape), np.zeros(shape)
    for labels, slots, values in watch.seen:
        cells = {}
        for n, label in enumerate(labels.tolist()):
            for slot, value in zip(
                slots[n].tolist(), values[n].tolist(), strict=True
            ):
                cells.setdefault((label, slot), []).append(value)
        for cell, found in cells.items():
            visits[cell] += 1
            weight = max(1 - momentum, 1 / visits[cell])
            table[cell] += weight * (np.mean(found) - table[cell])
    np.testing.assert_allclose(estimator.table, table, atol=1e-6)
    np.testing.assert_array_equal(estimator.visits, visits)
    saved = torch.load(f'{runner.work_dir}/epoch_3.pth', weights_only=True)
    prefix = 'data_preprocessor.blending.estimator.'
    for name, value in estimator.state_dict().items():
        assert torch.equal(saved['state_dict'][prefix + name], value)


def two_persons():
    """The second person is absent in every other sample."""
    data = make_data(CLASSES, 6, persons=2)
    for row in data['annotations'][::2]:
        row['keypoint'][1] = 0
    return data


def test_the_mean_pose_is_that_of_the_pipelines_output(shapmix):
    """Mean over present persons, samples and frames; each has its seed."""
    pipeline = 'train_dataloader.dataset.dataset.pipeline.4.num_person'
    runner = shapmix(two_persons(), **{pipeline: 2})
    train(runner)
    dataset = runner.train_dataloader.dataset
    persons = [[], []]
    for index in range(len(dataset)):
        with seeded((0, index)):
            clip = dataset[index]['inputs'][0].numpy()
        for person, found in zip(clip, persons, strict=True):
            if person.any():
                found.append(person.mean(0))
    assert len(persons[0]) == 14 and 0 < len(persons[1]) < 14
    np.testing.assert_allclose(
        mixer_of(runner.model).estimator.mean_pose,
        [np.mean(found, 0) for found in persons],
        atol=1e-5,
    )


def test_the_mean_pose_needs_a_share_of_the_samples_only(shapmix, capfd):
    runner = shapmix(**{f'{SALIENCY}mean_pose_samples': 3})
    dataset, read = runner.train_loop.dataloader.dataset.dataset, []
    prepare = dataset.prepare_data
    dataset.prepare_data = lambda index: read.append(index) or prepare(index)
    train(runner)
    # Three samples for the pose, then an epoch of all samples.
    assert len(read) == 3 + 14
    output = capfd.readouterr().out
    assert 'Mean pose of 3 training samples' in output and '100%' in output


@pytest.mark.parametrize('interval', [1, 2, 5])
def test_only_every_nth_step_is_estimated(shapmix, interval):
    watch = train(
        shapmix(**{f'{SALIENCY}interval': interval, 'train_cfg.max_epochs': 2})
    )
    assert watch.steps == list(range(0, 2 * STEPS, interval))


@pytest.mark.parametrize(('share', 'number'), [(0.1, 1), (0.5, 2), (1, 4)])
def test_a_share_of_the_batch(shapmix, share, number):
    watch = train(shapmix(**{f'{SALIENCY}share': share}))
    sizes = [len(labels) for labels, *_ in watch.seen]
    assert sizes == [number] * 3 + [math.ceil(2 * share)]


def test_evaluation_mode_without_gradients_then_as_before(shapmix):
    """A frozen module stays in evaluation mode."""
    runner, modes = shapmix(), []
    frozen = runner.model.backbone.gcn[0]

    def watch(model):
        modes.append(
            (any(m.training for m in model.modules()), torch.is_grad_enabled())
        )

    class Freeze(Hook):
        priority = 'VERY_HIGH'

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            frozen.eval()

        def after_train_iter(self, runner, *args, **kwargs):
            modules = dict(runner.model.named_modules())
            training = {n for n, m in modules.items() if m.training}
            still = {n for n in modules if n.startswith('backbone.gcn.0')}
            assert training == set(modules) - still

    runner.register_hook(Freeze())
    train(runner, watch)
    assert modes == [(False, False)] * STEPS


def test_the_mode_is_restored_if_the_forward_raises(shapmix):
    runner = shapmix()

    def fail(model):
        raise RuntimeError('out of luck')

    with pytest.raises(RuntimeError, match='out of luck'):
        train(runner, fail)
    assert all(module.training for module in runner.model.modules())
    model = torch.nn.Sequential(torch.nn.Linear(1, 1).eval())
    with pytest.raises(ZeroDivisionError), evaluating(model):
        assert not model.training
        1 / 0  # noqa: B018
    assert model.training and not model[0].training


def test_mixed_precision_is_that_of_the_training(shapmix):
    """The estimator observes inside the optimizer wrapper's context."""

    @OPTIM_WRAPPERS.register_module(force=True)
    class HalfOptimWrapper(OptimWrapper):
        def optim_context(self, model):
            return torch.autocast('cpu', dtype=torch.bfloat16)

    runner, kinds = shapmix(**{'optim_wrapper.type': 'HalfOptimWrapper'}), []
    runner.model.backbone.gcn[0].register_forward_hook(
        lambda module, args, output: kinds.append(
            (module.training, output.dtype)
        )
    )
    watch = train(runner, lambda model: kinds.append('observed'))
    assert kinds.count('observed') == STEPS
    assert kinds.count((False, torch.bfloat16)) >= STEPS
    assert mixer_of(runner.model).estimator.table.dtype == torch.float32
    assert all(values.isfinite().all() for *_, values in watch.seen)


class Log(Hook):
    """Records the losses of each step, and whether mixing was guided."""

    def __init__(self):
        self.keys, self.guided = [], []

    def after_train_iter(self, runner, batch_idx, data_batch, outputs):
        self.keys.append('mixed_loss_cls' in outputs)
        self.guided.append(mixer_of(runner.model).phase == 'guided')


@pytest.mark.parametrize('warmup', ['st-mix', 'clean'])
def test_the_warm_up(build, warmup):
    runner = build(
        leaf=VALUES,
        **{
            f'{SALIENCY}warmup_epochs': 2,
            f'{SALIENCY}warmup': warmup,
            'train_cfg.max_epochs': 3,
        },
    )
    log = Log()
    runner.register_hook(log)
    watch = train(runner)
    assert watch.steps == list(range(3 * STEPS))  # it estimates from the start
    assert log.guided == [False] * 2 * STEPS + [True] * STEPS
    assert log.keys == [warmup == 'st-mix'] * 2 * STEPS + [True] * STEPS


def test_repeats_are_passes_of_the_warm_up(build):
    """14 samples three times are 11 steps per epoch, 3 2/3 per pass."""
    runner = build(
        leaf=VALUES,
        **{
            f'{SALIENCY}warmup_epochs': 2,
            'train_dataloader.dataset.times': 3,
        },
    )
    log = Log()
    runner.register_hook(log)
    runner.train()
    assert log.guided == [False] * 8 + [True] * 3


def test_iteration_based_loops_warm_up_by_passes(build):
    runner = build(
        leaf=VALUES,
        train_cfg=dict(type='IterBasedTrainLoop', _delete_=True, max_iters=7),
        **{
            f'{SALIENCY}warmup_epochs': 1,
            'default_hooks.checkpoint.by_epoch': False,
            'param_scheduler': [],
        },
    )
    log = Log()
    runner.register_hook(log)
    watch = train(runner)
    assert len(watch.steps) == 7
    assert log.guided == [False] * STEPS + [True] * 3


@pytest.mark.parametrize('leaf', [VALUES, PAPER, GRADCAM])
def test_a_resumed_run_has_the_table_of_the_uninterrupted_one(shapmix, leaf):
    options = {
        'train_cfg.max_epochs': 3,
        'param_scheduler': [],
        f'{SALIENCY}interval': 3,
    }
    whole = shapmix(leaf=leaf, **options)
    train(whole)
    resumed = shapmix(
        leaf=leaf,
        resume=True,
        load_from=f'{whole.work_dir}/epoch_1.pth',
        work_dir=f'{whole.work_dir}_resumed',
        **options,
    )
    watch = train(resumed)
    assert watch.steps == [6, 9]
    one, other = whole.model.state_dict(), resumed.model.state_dict()
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_another_run_does_not_take_over_the_table(shapmix):
    first = shapmix()
    train(first)
    second = shapmix(
        load_from=f'{first.work_dir}/epoch_1.pth',
        **{f'{SALIENCY}share': 0.1},
    )
    train(second)
    assert mixer_of(second.model).estimator.visits.sum() == 2 * STEPS


def test_a_model_that_predicts_nan_is_remarked_upon_once(shapmix, capfd):
    no_validation = {f'val_{k}': None for k in ('cfg', 'dataloader')}
    no_end = {'default_hooks.finite_loss': None}
    runner = shapmix(val_evaluator=None, **no_validation, **no_end)
    torch.nn.init.constant_(runner.model.cls_head.fc.weight, float('nan'))
    runner.model._is_init = True  # keeps MMEngine from initialising it
    train(runner)
    estimator = mixer_of(runner.model).estimator
    assert estimator.table.isfinite().all() and not estimator.visits.any()
    output = capfd.readouterr().out
    message = '28 observations of saliency were not finite'
    assert output.count(message) == 1


def flat():
    """2-D data with scores and two persons."""
    return make_data(CLASSES, 6, 17, 2, persons=2, scores=True)


@pytest.mark.parametrize('leaf', [VALUES, PAPER, GRADCAM])
def test_two_flat_persons(build, leaf):
    """A 2-D layout has the score as its third channel."""
    pipeline = [
        dict(type='PreNormalize2D'),
        dict(type='GenSkeFeat', dataset='coco', feats=['bm']),
        dict(type='UniformSampleFrames', clip_len=8),
        dict(type='PoseDecode'),
        dict(type='FormatGCNInput', num_person=2),
        dict(type='PackActionInputs'),
    ]
    loaders = {
        f'{part}_dataloader.dataset.{inner}{key}': value
        for part, inner in (('train', 'dataset.'), ('val', ''))
        for key, value in (('layout', 'coco'), ('pipeline', pipeline))
    }
    runner = build(
        flat(),
        leaf=leaf,
        **loaders,
        **{
            f'{SALIENCY}warmup_epochs': 0,
            'model.backbone.graph_cfg.layout': 'coco',
        },
    )
    train(runner)
    estimator = mixer_of(runner.model).estimator
    assert estimator.visits.sum() > 2 * STEPS
    assert estimator.saliency().isfinite().all()
    if leaf != GRADCAM:
        assert estimator.mean_pose.shape == (2, 17, 3)
        # The mean of motion is nearly 0; the mean of the score is the score.
        score = estimator.mean_pose[..., 2]
        torch.testing.assert_close(
            score, torch.full((2, 17), 0.5 * 7 / 8), atol=0.05, rtol=0
        )


@pytest.mark.parametrize('resume', [False, True])
def test_an_average_of_the_weights_leaves_the_table_alone(shapmix, resume):
    """MMEngine's EMAHook copies the model before anything is measured."""
    ema = {'custom_hooks': [dict(type='EMAHook')]}
    plain = shapmix(
        **{'train_cfg.max_epochs': 2},
        val_cfg=None,
        val_dataloader=None,
        val_evaluator=None,
    )
    train(plain)
    averaged = shapmix(
        **ema,
        work_dir=f'{plain.work_dir}_ema',
        **{'train_cfg.max_epochs': 2},
    )
    watch = train(averaged)
    assert len(watch.steps) == 2 * STEPS
    tables = [mixer_of(r.model).estimator.table for r in (plain, averaged)]
    assert torch.equal(*tables)
    if resume:
        again = shapmix(
            **ema,
            resume=True,
            load_from=f'{averaged.work_dir}/epoch_1.pth',
            work_dir=f'{plain.work_dir}_again',
            **{'train_cfg.max_epochs': 2},
        )
        train(again)
        assert torch.equal(mixer_of(again.model).estimator.table, tables[0])


def test_estimation_and_mixing_draw_from_streams_of_their_own(shapmix):
    runner, seeds = shapmix(), []

    class Seeds(Hook):
        priority = 'LOW'

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            mixer = mixer_of(runner.model)
            estimation = step_seed(runner, mixer.estimator)
            seeds.append((mixer.step_seed, estimation))

    runner.register_hook(Seeds())
    train(runner)
    flat = [seed for pair in seeds for seed in pair]
    assert len(set(flat)) == len(flat) == 2 * STEPS
    first = Watch()
    again = shapmix()
    again.register_hook(first)
    again.train()
    slots = first.seen[0][1][:, 0]
    generator = make_generator(seeds[0][1])
    drawn = torch.randint(32, (4, 1), generator=generator).flatten()
    assert torch.equal(slots, drawn)


def test_a_stock_head_is_remarked_upon(shapmix, capfd):
    options = {'model.cls_head.type': 'GCNHead'}
    message = "Set model.cls_head.type='mmshapmix.MixedGCNHead'"
    shapmix(**options).train()
    assert message in capfd.readouterr().out
    shapmix(**options, **{f'{MIXER}output': 'mixed'}).train()
    assert message not in capfd.readouterr().out


def test_no_mixer_is_refused(build):
    with pytest.raises(ValueError, match='Expected a mixer for SaliencyHook'):
        build(
            **{'default_hooks.saliency': dict(type='mmshapmix.SaliencyHook')}
        ).train()


def test_no_hook_is_refused(build):
    mixer = dict(type='mmshapmix.ShapMix', num_classes=CLASSES)
    preprocessor = dict(type='ActionDataPreprocessor', blending=mixer)
    with pytest.raises(RuntimeError, match='mmshapmix.SaliencyHook'):
        build(**{'model.data_preprocessor': preprocessor}).train()


@pytest.mark.parametrize(
    'options',
    [
        dict(interval=0),
        dict(share=0),
        dict(share=1.5),
        dict(warmup='cold'),
        dict(mean_pose_samples=0),
    ],
)
def test_bad_options(options):
    with pytest.raises(ValueError, match='Expected `'):
        SaliencyHook(**options)


def test_a_mean_pose_of_other_data_is_not_resumed(shapmix):
    first = shapmix()
    train(first)
    path = f'{first.work_dir}/epoch_1.pth'
    saved = torch.load(path, weights_only=True)
    (name,) = (n for n in saved['state_dict'] if n.endswith('mean_pose'))
    pose = saved['state_dict'][name]
    saved['state_dict'][name] = pose.repeat(3, 1, 2)
    torch.save(saved, path)
    again = shapmix(resume=True, load_from=path, **{'train_cfg.max_epochs': 2})
    with pytest.raises(ValueError, match='a mean pose of .*epoch_1.pth has'):
        train(again)
