import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmshapmix.analysis.checkpoints import (
    MIXER,
    build_mixer,
    class_names,
    group_names,
    load_weights,
    parse_config,
    read_checkpoint,
)
from mmshapmix.models.mixers import ShapMix

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs' / 'shapmix').glob('*.py'))[::12]

TEXT = """
model = dict(
    data_preprocessor=dict(
        blending=dict(
            guidance='shapley', num_classes=3, temperature=0.5,
            type='mmshapmix.ShapMix'),
        type='ActionDataPreprocessor'))
"""


def make_checkpoint(text=TEXT, **options):
    """A mixer with an arbitrary table, and the checkpoint that has it."""
    mixer = ShapMix(num_classes=3, temperature=0.5, **options)
    torch.manual_seed(0)
    mixer.estimator.table.uniform_()
    mixer.estimator.visits.random_(1, 9)
    mixer.estimator.mean_pose = torch.rand(1, 25, 3)
    state = {MIXER + k: v for k, v in mixer.state_dict().items()}
    return mixer, dict(meta=dict(cfg=text), state_dict=state)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_a_config_text_is_read_as_mmengine_reads_it(path):
    config = Config.fromfile(path)
    assert parse_config(config.pretty_text) == config.to_dict()


def test_odd_keys_and_nothing_else():
    text = Config(dict(a={'b.c': [dict(d=(1,)), -2.5, None]})).pretty_text
    assert parse_config(text) == dict(a={'b.c': [dict(d=(1,)), -2.5, None]})


@pytest.mark.parametrize(
    'text',
    [
        'import os',
        'a = print(1)',
        'a = __import__("os").getcwd()',
        'a = [x for x in (1,)]',
        'a, b = 1, 2',
        'a = (',
        *('a = ' + deep * 10**5 for deep in ('[', '-', 'a.', '{1:')),
    ],
    ids=range(10),
)
def test_a_config_text_is_not_run(text):
    with pytest.raises(ValueError, match='Expected a config of plain'):
        parse_config(text)


def test_the_mixer_comes_back():
    mixer, checkpoint = make_checkpoint()
    built = build_mixer(checkpoint, 'x.pth')
    assert built.phase == 'guided'
    torch.testing.assert_close(built.distribution(), mixer.distribution())
    torch.testing.assert_close(
        built.estimator.mean_pose, mixer.estimator.mean_pose
    )


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['meta'].pop('cfg'), r"x.pth has no meta\['cfg'\]"),
        (lambda c: c['state_dict'].clear(), 'x.pth has no table of it'),
        (
            lambda c: c['state_dict'].pop(f'{MIXER}estimator.visits'),
            'Expected the state of a ShapMix as configured, but x.pth',
        ),
        (lambda c: c['meta'].update(cfg=[TEXT]), r"x.pth has no meta\['cfg'"),
        *(
            (
                lambda c, shape=shape: c['state_dict'].update(
                    {f'{MIXER}estimator.mean_pose': torch.zeros(shape)}
                ),
                'x.pth has another. of another shape: .*mean_pose',
            )
            for shape in ((3,), (1, 17, 3), (1, 25, 3, 1), ())
        ),
        (
            lambda c: c['meta'].update(cfg=TEXT.replace('=3', '=10**5000')),
            'Expected a mixer that can be built here',
        ),
        (
            lambda c: c['meta'].update(cfg=TEXT.replace('ShapMix', 'Mine')),
            'Expected a mixer that can be built here',
        ),
        (
            lambda c: c['meta'].update(cfg='model = dict(type=1)'),
            'Expected a mixer that can be built here',
        ),
    ],
)
def test_a_checkpoint_without_the_mixer(change, message):
    _, checkpoint = make_checkpoint()
    change(checkpoint)
    with pytest.raises(ValueError, match=message):
        build_mixer(checkpoint, 'x.pth')


EVIL = "dict(type='os.system', command='touch pwned')"


@pytest.mark.parametrize(
    'mixer',
    [EVIL, f"dict(type='mmshapmix.ShapMix', num_classes=3, guidance={EVIL})"],
)
def test_a_checkpoint_cannot_name_a_function(tmp_path, monkeypatch, mixer):
    """A registry would import any name that `type` gives, and call it."""
    monkeypatch.chdir(tmp_path)
    _, checkpoint = make_checkpoint()
    checkpoint['meta']['cfg'] = (
        f'model = dict(data_preprocessor=dict(blending={mixer}))'
    )
    with pytest.raises(ValueError, match='os.system is neither a mixer nor'):
        build_mixer(checkpoint, 'x.pth')
    assert not list(tmp_path.iterdir())


def test_reading_says_what_is_wrong(tmp_path):
    path = tmp_path / 'x.pth'
    with pytest.raises(FileNotFoundError, match='Expected a checkpoint at'):
        read_checkpoint(path)
    path.write_bytes(b'no checkpoint')
    with pytest.raises(ValueError, match='x.pth cannot be read'):
        read_checkpoint(path)
    torch.save([1], path)
    with pytest.raises(ValueError, match='Expected weights, .*x.pth has none'):
        read_checkpoint(path)
    torch.save(dict(state_dict=dict(a=torch.ones(2))), path)
    assert read_checkpoint(path)['state_dict']['a'].tolist() == [1, 1]


def test_names_and_groups():
    meta = dict(dataset_meta=dict(classes=('a', 'b')))
    assert class_names(meta, 2) == ['a', 'b']
    # The class names do not fit if their number differs.
    assert class_names(meta, 3) == ['class 0', 'class 1', 'class 2']
    for odd in (None, [1], 'ab', dict(classes=[1]), dict(classes='a')):
        assert class_names(dict(dataset_meta=odd), 1) == ['class 0']
    assert class_names({}, 1) == ['class 0']
    assert group_names([101, 100, 20, 19], 4) == [
        'many',
        'medium',
        'medium',
        'few',
    ]
    assert group_names(None, 2) == ['', '']


def test_weights_load_without_the_mixer():
    model = nn.BatchNorm1d(2)
    state = dict(weight=torch.tensor([2.0, 3]), bias=torch.tensor([4.0, 5]))
    state[f'{MIXER}estimator.table'] = torch.ones(3, 32)
    load_weights(model, dict(state_dict=state), 'x.pth')
    assert model.weight.tolist() == [2, 3] and model.bias.tolist() == [4, 5]
    state['bias'] = torch.ones(3)
    del state['weight']
    message = 'missing: 1 (weight); of another shape: 1 (bias (3,), in the mod'
    with pytest.raises(ValueError, match=re.escape(message)):
        load_weights(model, dict(state_dict=state), 'x.pth')
