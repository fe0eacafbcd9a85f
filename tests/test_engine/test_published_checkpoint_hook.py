"""Published checkpoints in a real Runner."""

import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Priority
from torch import nn

from mmshapmix.engine.hooks import ClassCountsHook, PublishedCheckpointHook

NAME = 'cls_head.fc_cls.weight'


def published(model, num_classes=None, prefix='module.'):
    """A PYSKL checkpoint for a model, with other weights than the model."""
    state = {}
    for name, value in model.state_dict().items():
        name = name.replace('.fc.', '.fc_cls.')
        size = (num_classes or len(value)) if '.fc_cls.' in name else None
        shape = value.shape if size is None else (size, *value.shape[1:])
        state[prefix + name] = torch.rand(shape).to(value.dtype)
    return dict(
        state_dict=state,
        meta=dict(epoch=24, CLASSES=['a', 'b'], config='import os'),
        optimizer=dict(state={}),
    )


def own(model):
    """A checkpoint of MMEngine, with other weights than the model."""
    state = {
        name: torch.rand(value.shape).to(value.dtype)
        for name, value in model.state_dict().items()
    }
    return dict(meta=dict(epoch=1, iter=4), state_dict=state)


@pytest.fixture(scope='module')
def made():
    """Models and runners that are built once, since building is slow."""
    return {}


@pytest.fixture
def load(build, made, tmp_path, capfd, monkeypatch):
    """Load a checkpoint for the model, as a tool does."""

    def load_checkpoint(make=published, train=False, resume=False, **options):
        if not made:
            runner = build(custom_hooks=[dict(type='EMAHook')])
            runner.call_hook('before_run')
            loop = runner.build_train_loop(runner._train_loop)
            made.update(runner=runner, loop=loop)
        runner, path = made['runner'], tmp_path / 'x.pth'
        checkpoint = make(runner.model)
        torch.save(checkpoint, path)
        hook = next(h for h in runner.hooks if hasattr(h, 'partial'))
        hook.__init__(**options)
        runner._train_loop = made['loop'] if train else {}
        runner._load_from, runner._resume = str(path), resume
        runner._has_loaded = False
        lines = []
        monkeypatch.setattr(runner.logger, 'info', lines.append)
        capfd.readouterr()
        runner.load_or_resume()
        said = capfd.readouterr().out
        assert train or 'do not match exactly' not in said
        runner.said = [line for line in lines if 'anew' in line]
        return runner, checkpoint

    return load_checkpoint


PARTIAL = dict(partial=True)
WITHOUT = dict(without_head=True)


def test_all_weights_are_loaded(load):
    runner, checkpoint = load()
    found = runner.model.state_dict()
    for name, value in checkpoint['state_dict'].items():
        name = name.removeprefix('module.').replace('fc_cls', 'fc')
        assert torch.equal(found[name], value), name


def test_nothing_is_tested_if_classes_differ(load):
    with pytest.raises(ValueError, match='It knows 9 classes, the model 4'):
        load(lambda model: published(model, num_classes=9))


@pytest.mark.parametrize('make', [published, own])
@pytest.mark.parametrize('options', [{}, WITHOUT])
def test_a_training_may_start_with_another_head(load, make, options):
    """One line of the log says which parameters start anew."""

    def make_other(model):
        checkpoint = make(model)
        state = checkpoint['state_dict']
        for name in filter(re.compile('cls_head').search, state):
            if not options:
                state[name] = torch.rand(9, *state[name].shape[1:])
        return checkpoint

    runner, checkpoint = load(make_other, train=True, **options)
    (line,) = runner.said
    assert 'x.pth has not all of this model' in line
    assert 'anew: 2 (cls_head.fc.bias, cls_head.fc.weight)' in line
    state, found = checkpoint['state_dict'], runner.model.state_dict()
    prefix = 'module.' if make is published else ''
    for name, value in found.items():
        if 'backbone' in name:
            assert torch.equal(value, state[prefix + name]), name
    assert found['cls_head.fc.weight'].shape == (4, 8)


def without(part):
    """Make a checkpoint with our names that lacks some weights."""

    def make(model):
        checkpoint = own(model)
        checkpoint['state_dict'] = {
            name: value
            for name, value in checkpoint['state_dict'].items()
            if part not in name
        }
        return checkpoint

    return make


def renamed_by(change):
    def make(model):
        checkpoint = own(model)
        state = checkpoint['state_dict'].items()
        checkpoint['state_dict'] = {change(n): v for n, v in state}
        return checkpoint

    return make


def wider(model):
    checkpoint = own(model)
    bias = 'backbone.gcn.1.gcn.bn.bias'
    checkpoint['state_dict'][bias] = torch.ones(5)
    return checkpoint


MISFITS = {
    'no head': (without('cls_head'), 'It has no head'),
    'half a head': (without('fc.bias'), r'missing: 1 \(cls_head.fc.bias\)'),
    'no statistics': (without('running_var'), r'missing: \d+ .*running_var'),
    'no backbone': (without('backbone'), r'missing: \d+ \(backbone'),
    'a prefix': (renamed_by(lambda n: f'model.{n}'), "begin with 'model.'"),
    'two prefixes': (
        renamed_by(lambda n: f'module.module.{n}'),
        "begin with 'module.'",
    ),
    'a backbone alone': (
        renamed_by(lambda n: n.removeprefix('backbone.')),
        r'unexpected: \d+ .*missing: \d+ ',
    ),
    'another shape': (wider, r'bn.bias \(5,\), in the model \(8,\)'),
    'no weights': (lambda _: {}, 'x.pth has none'),
    'a list': (lambda _: dict(state_dict=[1]), 'x.pth has none'),
    'no meta': (lambda m: own(m) | dict(meta=None), "'meta' of .*x.pth"),
}


@pytest.mark.parametrize('name', MISFITS)
def test_nothing_is_tested_with_random_weights(load, name):
    make, message = MISFITS[name]
    with pytest.raises(ValueError, match=message) as error:
        load(make)
    assert 'x.pth' in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize('name', ['no head', 'half a head', 'another shape'])
def test_a_training_starts_from_what_fits_if_asked_to(load, name):
    """Without the option, only the head may differ."""
    make, _ = MISFITS[name]
    if 'head' not in name:
        with pytest.raises(ValueError, match='tools/train.py --partial'):
            load(make, train=True)
    runner, checkpoint = load(make, train=True, **PARTIAL)
    assert len(runner.said) == 1
    state = checkpoint['state_dict']
    for key, value in runner.model.state_dict().items():
        if key in state and state[key].shape == value.shape:
            assert torch.equal(value, state[key]), key


def test_something_must_fit(load):
    for name in ('a prefix', 'no weights'):
        with pytest.raises(ValueError, match=r'x\.pth has'):
            load(MISFITS[name][0], train=True, **PARTIAL)


def test_mixers_and_losses_do_not_decide_a_test(load):
    """Old files without counters and bare states may be tested, too."""

    def make(model):
        state = without('num_batches')(model)['state_dict']
        state['data_preprocessor.blending.estimator.table'] = torch.ones(3)
        state['cls_head.loss_cls.margins'] = torch.ones(7)
        return state

    runner, state = load(make)
    found = runner.model.state_dict()
    assert all(torch.equal(found[n], state[n]) for n in found if n in state)


def test_an_average_of_the_weights_is_loaded_too(load):
    """Otherwise MMEngine's EMAHook would test with random weights."""

    def make(model):
        return renamed_by(lambda n: f'module.{n}')(model)['state_dict']

    runner, state = load(make)
    hook = next(h for h in runner.hooks if hasattr(h, 'ema_model'))
    for name, value in hook.ema_model.module.state_dict().items():
        assert torch.equal(value, state[f'module.{name}']), name


def test_a_published_checkpoint_is_not_resumed(load):
    with pytest.raises(ValueError, match='of another framew.*--load-from'):
        load(resume=True, train=True)


def after_load(checkpoint, model):
    lines = []
    runner = SimpleNamespace(
        model=model,
        _resume=False,
        _load_from='x.pth',
        _train_loop=None,
        logger=SimpleNamespace(info=lines.append),
    )
    PublishedCheckpointHook().after_load_checkpoint(runner, checkpoint)
    return lines


@pytest.fixture(scope='module')
def model():
    """A stand-in with the names by which PYSKL is recognised."""
    model = nn.ModuleDict(
        dict(
            backbone=nn.ModuleDict(dict(data_bn=nn.BatchNorm1d(2))),
            cls_head=nn.ModuleDict(dict(fc=nn.Linear(2, 3))),
        )
    )
    model.backbone, model.cls_head = model['backbone'], model['cls_head']
    return model


def test_the_checkpoint_becomes_an_ordinary_one(model):
    """Also for a bare state dict; the other optimizer is left out."""
    whole = published(model)
    bare = dict(published(model, prefix='')['state_dict'])
    for checkpoint, meta in (
        (whole, dict(epoch=24, CLASSES=['a', 'b'])),
        (bare, {}),
    ):
        lines = after_load(checkpoint, model)
        assert checkpoint.keys() == {'meta', 'state_dict'}
        assert checkpoint['meta'] == meta
        assert checkpoint['state_dict'].keys() == model.state_dict().keys()
        assert lines == ['Converted 7 tensors of a PYSKL checkpoint']


def test_checkpoints_that_fit_are_left_alone(model):
    """Versions of modules, by which torch reads old states, stay, too."""
    state = model.state_dict()
    checkpoint = dict(meta=dict(epoch=1), state_dict=state, message_hub={})
    assert after_load(checkpoint, model) == []
    assert checkpoint == dict(
        meta=dict(epoch=1), state_dict=state, message_hub={}
    )
    assert checkpoint['state_dict']._metadata == state._metadata != {}


def test_it_comes_before_hooks_that_read_the_checkpoint():
    hook, other = PublishedCheckpointHook(), ClassCountsHook()
    first, second = (Priority[one.priority].value for one in (hook, other))
    assert first < second
