"""Published checkpoints in a real Runner."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Priority
from torch import nn

from mmshapmix.engine.hooks import ClassCountsHook, PublishedCheckpointHook

NAME = 'cls_head.fc_cls.weight'


def published(model, num_classes=None, prefix='module.'):
    """A PYSKL checkpoint for a model, with other weights than it has."""
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


@pytest.fixture
def load(build, tmp_path):
    """Load a checkpoint, made for the model, as ``load_from`` does."""

    def load_checkpoint(make=published, **options):
        path = tmp_path / 'x.pth'
        runner = build(load_from=str(path), **options)
        checkpoint = make(runner.model)
        torch.save(checkpoint, path)
        runner.load_or_resume()
        return runner.model.state_dict(), checkpoint

    return load_checkpoint


def test_all_weights_are_loaded(load):
    found, checkpoint = load()
    for name, value in checkpoint['state_dict'].items():
        name = name.removeprefix('module.').replace('fc_cls', 'fc')
        assert torch.equal(found[name], value), name


def test_a_head_for_other_classes_is_left_out(load):
    option = 'default_hooks.published_checkpoint.without_head'
    found, checkpoint = load(
        lambda model: published(model, num_classes=9), **{option: True}
    )
    state = checkpoint['state_dict']
    assert found['cls_head.fc.weight'].shape == (4, 8)
    for name in filter(lambda name: 'backbone' in name, found):
        assert torch.equal(found[name], state[f'module.{name}']), name


def test_nothing_is_loaded_if_classes_differ(load, build):
    with pytest.raises(ValueError, match='It knows 9 classes, the model 4'):
        load(lambda model: published(model, num_classes=9))


def test_a_published_checkpoint_is_not_resumed(load):
    with pytest.raises(ValueError, match='of another framew.*--load-from'):
        load(resume=True)


def after_load(checkpoint, model, resume=False):
    lines = []
    runner = SimpleNamespace(
        model=model,
        _resume=resume,
        logger=SimpleNamespace(info=lines.append),
    )
    PublishedCheckpointHook().after_load_checkpoint(runner, checkpoint)
    return lines


@pytest.fixture(scope='module')
def model():
    """A stand-in that has the names which tell PYSKL."""
    model = nn.ModuleDict(
        dict(
            backbone=nn.ModuleDict(dict(data_bn=nn.BatchNorm1d(2))),
            cls_head=nn.ModuleDict(dict(fc=nn.Linear(2, 3))),
        )
    )
    model.backbone, model.cls_head = model['backbone'], model['cls_head']
    return model


def test_the_checkpoint_becomes_an_ordinary_one(model):
    """Also a bare state dict; the optimizer is another one's."""
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


@pytest.mark.parametrize('resume', [False, True])
def test_other_checkpoints_are_left_alone(model, resume):
    state = model.state_dict()
    checkpoint = dict(meta=dict(epoch=1), state_dict=state, message_hub={})
    assert after_load(checkpoint, model, resume) == []
    assert checkpoint['state_dict'] is state
    assert checkpoint.keys() == {'meta', 'state_dict', 'message_hub'}


def test_a_converted_checkpoint_is_not_resumed_either(model):
    checkpoint = dict(meta=dict(epoch=24), state_dict=model.state_dict())
    with pytest.raises(ValueError, match='or converted from it'):
        after_load(checkpoint, model, resume=True)


def test_it_comes_before_hooks_that_read_the_checkpoint():
    hook, other = PublishedCheckpointHook(), ClassCountsHook()
    first, second = (Priority[one.priority].value for one in (hook, other))
    assert first < second
