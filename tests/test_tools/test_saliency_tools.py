"""Saliency from end to end: train a tiny Shap-Mix, then inspect it."""

import csv
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmshapmix.analysis.checkpoints import MIXER, build_mixer, read_checkpoint
from mmshapmix.cli import mix
from mmshapmix.datasets.synthetic.actions import CLASSES
from mmshapmix.functional.shapley import shapley_values

from ..running import call_tool, leaf, run_tool, user_folder

LEAF = leaf('shapmix-values')
CONFIG = f"""
_base_ = {str(LEAF)!r}
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False,
    dataset=dict(dataset=dict(
        long_tail=dict(max_per_class=12, imbalance_ratio=6))))
val_dataloader = dict(batch_size=5, num_workers=0, persistent_workers=False)
test_dataloader = dict(batch_size=5, num_workers=0, persistent_workers=False)
model = dict(
    backbone=dict(
        base_channels=8, num_stages=3, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=16))
train_cfg = dict(max_epochs=1)
default_hooks = dict(saliency=dict(warmup_epochs=0))
"""
PNG = b'\x89PNG'


def tool(name, *args):
    return run_tool(f'analysis/{name}.py', *args)


def refused(name, *args):
    """Run a tool that exits with a one-line text; return the text."""
    return call_tool(f'analysis/{name}.py', *args)


def rows_of(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def column(rows, name):
    """A column of a table as ``(K, S)`` numbers."""
    values = [float(row[name]) for row in rows]
    return np.array(values).reshape(len(CLASSES), -1)


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's working folder: config, data, and a training of one epoch."""
    root = tmp_path_factory.mktemp('user')
    with user_folder(root, val_per_class=2):
        Path('config.py').write_text(CONFIG)
        args = ('config.py', '--work-dir', 'work', '--seed', '0')
        run_tool('train.py', *args)
        checkpoint = read_checkpoint('work/epoch_1.pth')
        # The same model, as saved by a training without a mixer.
        checkpoint['state_dict'] = {
            name: value
            for name, value in checkpoint['state_dict'].items()
            if not name.startswith(MIXER)
        }
        torch.save(checkpoint, 'plain.pth')
        yield root


@pytest.fixture
def mixer():
    return build_mixer(read_checkpoint('work/epoch_1.pth'), '')


# plot_saliency.py ------------------------------------------------------------


def test_plot_saliency(mixer):
    assert mixer.estimator.visits.sum() > 0
    output = tool('plot_saliency', 'work/epoch_1.pth', '--csv', 'saliency.csv')
    assert output.split() == ['saliency.png', 'saliency.csv']
    assert Path('saliency.png').read_bytes().startswith(PNG)
    rows = rows_of('saliency.csv')
    assert list(rows[0]) == [
        'class_id',
        'name',
        'train_samples',
        'group',
        'coalition',
        'num_joints',
        'saliency',
        'normalised',
        'probability',
        'visits',
    ]
    saliency = mixer.estimator.saliency().numpy()
    np.testing.assert_allclose(column(rows, 'saliency'), saliency, rtol=1e-5)
    odds = mixer.distribution().numpy()
    np.testing.assert_allclose(column(rows, 'probability'), odds, rtol=1e-5)
    assert [row['name'] for row in rows[::20]] == list(CLASSES)
    counts = [int(row['train_samples']) for row in rows[::20]]
    assert counts[0] == 12 and counts[-1] == 2
    assert {row['group'] for row in rows} == {'few'}


def test_plot_saliency_of_some_classes():
    args = ['work/epoch_1.pth', '--classes', 'greet', '3', '--out', 'two.svg']
    tool('plot_saliency', *args)
    assert '<svg' in Path('two.svg').read_text()


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['plain.pth'], 'that estimates saliency .*plain.pth has no table'),
        (['nowhere.pth'], 'a checkpoint at nowhere.pth, but there is none'),
        (['config.py'], 'but config.py cannot be read'),
        (
            ['work/epoch_1.pth', '--classes', 'swim'],
            "a class of .*'squat'.* or its number, but got 'swim'",
        ),
    ],
)
def test_plot_saliency_says_what_is_wrong(args, message):
    line = refused('plot_saliency', *args)
    assert re.fullmatch(f'plot_saliency.py: Expected .*{message}.*', line)


# exact_saliency.py -----------------------------------------------------------


@pytest.fixture(scope='module')
def exact(folder):
    """Output of the tool; its table is exact.csv."""
    return tool('exact_saliency', 'config.py', 'work/epoch_1.pth')


def test_exact_saliency(exact, mixer):
    output = exact
    assert "32 samples of split 'val'" in output and '32 coalit' in output
    rows = rows_of('exact.csv')
    worth = column(rows, 'worth')
    assert worth.shape == (16, 32) and (0 <= worth).all() and worth.max() <= 1
    rest = [row for row in rows if row['running']]
    found = column(rest, 'saliency')
    names = [row['coalition'] for row in rest[:20]]
    values = shapley_values(torch.tensor(worth), mixer.coalitions > 0.5)
    parts = list(mixer.layout.parts)
    order = [
        names.index('+'.join(p for p, m in zip(parts, b, strict=True) if m))
        for b in mixer.coalitions
    ]
    np.testing.assert_allclose(found[:, order], values, atol=1e-12)
    running = mixer.estimator.saliency()
    np.testing.assert_allclose(
        column(rest, 'running')[:, order], running, rtol=1e-5
    )
    error = float((running - values).square().mean().sqrt())
    assert f'root mean square error {error:.4f}, Spearman' in output
    assert re.search(r'rank correlation -?[01]\.\d{3} \(mean of 16', output)
    share = re.search(
        r'in (\d+) of 15 classes \([\d.]+ %\), by chance in 7\.6; '
        r'without salient parts: stand\.',
        output,
    )
    lines = [line.split()[-1] for line in output.splitlines()]
    assert int(share[1]) == lines.count('yes')
    assert lines.count('yes') + lines.count('no') == 15


def test_exact_values_are_the_models_probabilities(exact):
    """All parts together give the mean score of the true class in a test."""
    args = ('config.py', 'work/epoch_1.pth')
    run_tool('test.py', *args, '--work-dir', 'test', '--dump', 'out.pkl')
    with open('out.pkl', 'rb') as file:
        scores = pickle.load(file)
    worth = column(rows_of('exact.csv'), 'worth')[:, -1]
    truth = [[] for _ in CLASSES]
    for row in scores:
        label = int(row['gt_label'])
        truth[label].append(float(row['pred_score'][label]))
    np.testing.assert_allclose(worth, np.mean(truth, axis=1), atol=1e-5)


def test_exact_saliency_without_a_mixer():
    """A mean pose is measured, and fewer samples are used."""
    output = tool(
        'exact_saliency',
        'config.py',
        'plain.pth',
        '--split',
        'train',
        '--max-per-class',
        1,
        '--out',
        'plain.csv',
    )
    assert 'no mean pose: measured on the training data' in output
    assert "16 samples of split 'train'" in output
    assert 'Running against' not in output
    rows = rows_of('plain.csv')
    assert len(rows) == 16 * 32 and 'running' not in rows[0]
    assert {row['samples'] for row in rows} == {'1'}


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['config.py', 'nowhere.pth'], 'a checkpoint at nowhere.pth'),
        (['nowhere.py', 'plain.pth'], 'a config at nowhere.py'),
        (
            [
                'config.py',
                'plain.pth',
                '--cfg-options',
                'model.backbone.base_channels=4',
            ],
            'weights of the configured model, but plain.pth has others. of a',
        ),
    ],
)
def test_exact_saliency_says_what_is_wrong(args, message):
    line = refused('exact_saliency', *args)
    assert re.fullmatch(f'exact_saliency.py: Expected .*{message}.*', line)


# browse_mix.py ---------------------------------------------------------------


def test_browse_mix():
    output = tool('browse_mix', 'config.py', '--num', 2, '--frames', 3)
    assert output.splitlines()[-1] == 'mix.png'
    assert Path('mix.png').read_bytes().startswith(PNG)


def test_the_drawn_samples_are_those_of_training(monkeypatch):
    """A training with this seed has the same batch and the same mix."""
    drawn = []
    monkeypatch.setattr(mix, 'plot_mix', lambda *args: drawn.append(args))
    args = ['config.py', '--seed', '5', '--num', '8']
    mix.main([*args, '--checkpoint', 'work/epoch_1.pth'])
    mixed, plan, titles, *_, title, _ = drawn[0]
    assert title == 'ShapMix; guided by epoch_1.pth'

    cfg = Config.fromfile('config.py')
    init_default_scope('mmaction')
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=5)
    batch = next(iter(loader))
    mixer = mix.find_mixer(cfg)
    mix.guide(mixer, loader.dataset, 'work/epoch_1.pth')
    mixer.step_seed = (5, 0, 0, 0)  # SeedHook's seed in the first step
    outputs, samples = mixer(
        torch.stack(batch['inputs']), batch['data_samples']
    )
    assert np.array_equal(mixed, outputs[8:, 0].numpy())
    for i, sample in enumerate(samples[8:]):
        weights = {
            name: f'{w:.2f}'
            for name, w in zip(CLASSES, sample.gt_label.tolist(), strict=True)
            if w > 0
        }
        named = re.findall(r'(\d\.\d\d) (\w+)', titles[i])[:2]
        if named[0][1] != named[1][1]:
            assert {name: w for w, name in named} == weights
        assert named[0][1] == CLASSES[int(batch['data_samples'][i].gt_label)]


def test_browse_mix_of_a_stream_of_bones(monkeypatch):
    drawn = []
    monkeypatch.setattr(mix, 'plot_mix', lambda *args: drawn.append(args))
    text = CONFIG + (
        'pipeline = _base_.train_pipeline\n'
        "pipeline[1].feats = ['bm']\n"
        "train_dataloader['dataset']['dataset']['pipeline'] = pipeline\n"
    )
    Path('motion.py').write_text(text)
    for name in ('config.py', 'motion.py'):
        mix.main([name, '--num', '3'])
    joints, motion = drawn
    assert np.array_equal(joints[0], motion[0]) and len(joints[0]) == 3
    assert joints[-2].startswith('ShapMix; unguided')
    assert motion[-2].endswith('joints in place of the trained bm stream')


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['plain.py'], 'a mixer of mmshapmix in plain.py'),
        (['nowhere.py'], 'a config at nowhere.py'),
        (
            ['config.py', '--checkpoint', 'plain.pth'],
            'that estimates saliency .*, but plain.pth',
        ),
    ],
)
def test_browse_mix_says_what_is_wrong(args, message):
    Path('plain.py').write_text(f'_base_ = {str(leaf("ce"))!r}\n')
    line = refused('browse_mix', *args)
    assert re.fullmatch(f'browse_mix.py: Expected .*{message}.*', line)


def test_browse_mix_draws_something(capsys):
    assert refused('browse_mix', 'config.py', '--num', '0') == 2
    assert 'expected --num and --frames above 0' in capsys.readouterr().err


def test_browse_mix_of_partial_mixup(monkeypatch):
    """The last samples of the batch, with the labels of Eq. (5)."""
    drawn = []
    monkeypatch.setattr(mix, 'plot_mix', lambda *args: drawn.append(args))
    text = CONFIG + (
        "model['data_preprocessor'] = dict(_delete_=True,\n"
        "    type='ActionDataPreprocessor', blending=dict(\n"
        "    type='mmshapmix.RebalancedPartialMix',\n"
        f'    num_classes={len(CLASSES)}, fraction=0.5))\n'
    )
    Path('partial.py').write_text(text)
    mix.main(['partial.py', '--num', '4'])
    mixed, _, titles, *_, title, _ = drawn[0]
    assert title == 'RebalancedPartialMix; 50 % of a batch'
    cfg = Config.fromfile('partial.py')
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    batch = next(iter(loader))
    mixer = mix.find_mixer(cfg)
    mix.guide(mixer, loader.dataset, None)
    mixer.step_seed = (0, 0, 0, 0)
    outputs, samples = mixer(
        torch.stack(batch['inputs']), batch['data_samples']
    )
    assert [sample.mixed for sample in samples] == [False] * 4 + [True] * 4
    assert np.array_equal(mixed, outputs[4:, 0].numpy())
    for sample, text in zip(samples[4:], titles, strict=True):
        weight, name = text.split()[:2]
        label = sample.gt_label[CLASSES.index(name)].item()
        other = text.split()[4]
        assert other == name or weight == f'{label:.2f}'
        assert '(pasted: lower half of the body; ' in text
