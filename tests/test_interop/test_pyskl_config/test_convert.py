"""PYSKL configs → MMAction2's: treatment of each key, and built objects."""

import copy

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmshapmix.interop.pyskl_config import convert_config
from mmshapmix.interop.pyskl_config.components import Note

from ...pyskl_configs import (
    CLASSES,
    CONFIGS,
    built,
    notes_of,
    source,
    working_folder,
)

ALL = [*CONFIGS]


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A working folder with the data; MMEngine formats no config."""
    with working_folder(tmp_path_factory.mktemp('pyskl')) as root:
        yield root


# Channels of the data, and the backbone's type, by hand.
EXPECTED = dict(
    stgcnpp=(25, 3, 'STGCN'),
    stgcnpp_2d=(17, 3, 'STGCN'),
    k400=(17, 3, 'STGCN'),
    aagcn=(25, 6, 'AAGCN'),
    ctrgcn=(25, 3, 'CTRGCN'),
    dgstgcn=(17, 6, 'DGSTGCN'),
    msg3d=(25, 3, 'MSG3D'),
    brl=(25, 3, 'STGCN'),
)


@pytest.mark.parametrize('name', ALL)
def test_a_converted_config_builds_and_trains(name):
    """The samples have the shape that the model takes."""
    joints, channels, backbone = EXPECTED[name]
    cfg = built(source(name))
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model)
    assert type(model).__name__ == 'RecognizerGCN'
    assert type(model.backbone).__name__ == backbone
    for part, clips in (('train', 1), ('val', 1), ('test', 3)):
        dataset = DATASETS.build(cfg[f'{part}_dataloader'].dataset)
        shape = dataset[0]['inputs'].shape
        assert shape == (clips, 2, 8, joints, channels)
        batch = pseudo_collate([dataset[0], dataset[1]])
        batch = model.data_preprocessor(batch)
        if part == 'train':
            losses = model(**batch, mode='loss')
            losses['loss_cls'].backward()
            assert torch.isfinite(losses['loss_cls'])
        else:
            samples = model.eval()(**batch, mode='predict')
            assert samples[0].pred_score.shape == (CLASSES,)


# Accounts -------------------------------------------------------------------


def dicts_of(value, path=()):
    """Places of all dicts in a config."""
    if isinstance(value, dict):
        yield path
    rows = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in rows:
        if isinstance(inner, dict | list | tuple):
            yield from dicts_of(inner, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def name_of(path):
    """Name of a key in the notes."""
    text = ''.join(f'[{k}]' if isinstance(k, int) else f'.{k}' for k in path)
    return text.removeprefix('.')


def in_sections(path):
    """Keys in sections, not those in variables, which sections copy."""
    return not (path and str(path[0]).endswith('_pipeline'))


# Dicts that are copied unchanged.
WHOLE = ('optimizer_config.grad_clip',)


@pytest.mark.parametrize('name', ALL)
def test_an_invented_key_is_named_wherever_it_stands(name):
    cfg = source(name)
    paths = [path for path in dicts_of(cfg) if in_sections(path)]
    assert len(paths) > 30
    for path in paths:
        changed = copy.deepcopy(cfg)
        at(changed, path)['invented'] = 'an invention'
        key = name_of((*path, 'invented'))
        text = "'an invention': nothing here stands for it: left out"
        if name_of(path) not in WHOLE:
            assert Note(key, 'unmapped', text) in notes_of(changed)


def leaves_of(cfg):
    """Places of values that are neither containers nor types."""
    for path in filter(in_sections, dicts_of(cfg)):
        for key, value in at(cfg, path).items():
            if not isinstance(value, dict | list | tuple) and key != 'type':
                yield (*path, key)


def other(value):
    if isinstance(value, bool) or value is None:
        return not value
    return f'{value}!' if isinstance(value, str) else value + 1


@pytest.mark.parametrize('name', ALL)
def test_whatever_is_changed_changes_the_result_or_its_notes(name):
    """So no key is ignored without a note."""
    cfg = source(name)
    before = convert_config(cfg)
    paths = [*leaves_of(cfg)]
    assert len(paths) > 30
    for path in paths:
        changed = copy.deepcopy(cfg)
        at(changed, path[:-1])[path[-1]] = other(at(cfg, path))
        assert convert_config(changed) != before, name_of(path)


@pytest.mark.parametrize('name', ALL)
def test_only_what_a_descendant_adds_is_not_mapped(name):
    unmapped = [n.path for n in notes_of(source(name)) if n.kind == 'unmapped']
    added = ['model.type', 'model.cls_head.type'] if name == 'brl' else []
    assert unmapped == added


@pytest.mark.parametrize('name', ALL)
def test_the_source_is_not_changed(name):
    cfg = source(name)
    before = copy.deepcopy(cfg)
    config = convert_config(cfg).config
    config['model']['backbone'].clear()
    config['train_pipeline'].clear()
    assert cfg == before


def test_variables_are_told_from_unknown_options():
    cfg = source('stgcnpp')
    cfg |= dict(clip_len=8, modality='j', left_kp=[1, 3], graph='nturgb+d')
    cfg |= dict(steps=cfg['train_pipeline'][:2], runs=cfg['train_pipeline'])
    cfg |= dict(sync_bn=True, nothing=None, times=77, accumulate=16)
    cfg |= dict(precise_bn=2, ema='j', empty=[], swa=dict(start=3))
    kinds = {note.path: note.kind for note in notes_of(cfg)}
    variables = ('clip_len', 'modality', 'left_kp', 'graph', 'runs')
    for name in (*variables, 'dataset_type', 'train_pipeline'):
        assert kinds[name] == 'dropped'
    for name in (
        *('sync_bn', 'nothing', 'times', 'accumulate', 'precise_bn', 'ema'),
        *('empty', 'swa', 'steps'),
    ):
        assert kinds[name] == 'unmapped', name


# Refusals -------------------------------------------------------------------


def without(*path):
    cfg = source('stgcnpp')
    del at(cfg, path[:-1])[path[-1]]
    return cfg


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (dict(train_dataloader={}, model={}), 'as those of MMAction2 1.x'),
        (dict(model={}), r"has no \['data', 'optimizer'\]"),
        (
            source('stgcnpp') | dict(lr_config=dict(policy='step')),
            'Expected `lr_config.step`',
        ),
        (without('total_epochs'), 'Expected `total_epochs`'),
        (without('data', 'train'), 'Expected `data.train`'),
        (without('optimizer', 'type'), 'Expected `optimizer.type`'),
        (
            without('data', 'val', 'pipeline', 0, 'type'),
            r'Expected `data.val.pipeline\[0\].type`',
        ),
        (source('stgcnpp') | dict(data=[1]), 'Expected `data`.* a dict'),
        (source('stgcnpp') | dict(model=[1]), 'Expected `model`.* a dict'),
    ],
)
def test_what_is_no_pyskl_config_is_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        convert_config(cfg)


def test_a_pipeline_that_is_no_list_is_refused():
    cfg = source('stgcnpp')
    cfg['data']['val']['pipeline'] = 'PoseDecode'
    with pytest.raises(ValueError, match='pipeline` of .* a list of dicts'):
        convert_config(cfg)
