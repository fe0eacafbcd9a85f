"""Config files: trainings agree with their words, and differ only in them."""

import copy
import os
import re
from pathlib import Path

import mmaction
import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose

from mmshapmix.analysis.config_table import config_table
from mmshapmix.experiments.runs import DECISIVE
from mmshapmix.functional.layouts import get_layout
from mmshapmix.words import spoken

from .conftest import make_annotations
from .leaves import (
    CONFIGS,
    DATA,
    HEADLINES,
    METHODS,
    RECIPE,
    leaves,
    load,
    loaders_of,
)
from .recipes import (
    BACKBONES,
    BRL_METHODS,
    BY_RATIO,
    PLAIN,
    STREAMS,
    Name,
    detached,
)

# Heads that differ only in their use of mixed samples, and InfoGCN's head.
HEADS = ('GCNHead', 'MixedGCNHead', 'InfoGCNHead')

JOINT = Name('brl', 'stgcnpp', 'ce', 'joint', 'ntu60-xsub-lt-3d')


@pytest.mark.parametrize('method', METHODS)
def test_a_method_names_nothing_but_itself(method):
    """At most 20 lines follow its title, and all data sets can be chosen."""
    path = METHODS[method]
    text = path.read_text()
    title = re.match('(#.*\n)+', text)[0]
    assert len(text.removeprefix(title).splitlines()) <= 20
    code = '\n'.join(line.split('#')[0] for line in text.splitlines())
    for word in (*DATA, *BACKBONES, 'stgcnpp', 'nturgb+d', 'coco'):
        assert word not in code
    for data in DATA:
        with spoken(data=data):
            cfg = Config.fromfile(path)
        assert cfg.words.method == method
        assert cfg.words.data == data


@pytest.mark.parametrize('path', HEADLINES, ids=lambda path: path.stem)
def test_a_headline_is_its_words(path):
    """Configs that are read before or after do not matter."""
    model, method, stream, data = path.stem.split('_')
    folder = path.parent.name
    cfg, before = Config.fromfile(path), dict(os.environ)
    name = Name(folder, model, method, stream, data)
    with spoken(data=data, stream=STREAMS[stream], backbone=model):
        expected = Config.fromfile(METHODS[method])
    assert cfg.to_dict() == expected.to_dict()
    assert cfg.words.recipe == RECIPE[name.folder]
    assert dict(os.environ) == before


def test_the_table_of_configs_is_of_today():
    """``python -m mmshapmix.analysis.config_table > configs/README.md``."""
    assert (CONFIGS / 'README.md').read_text() == config_table()


def test_there_are_few_files():
    assert len([p for p in CONFIGS.rglob('*') if p.is_file()]) <= 100


def sampler_type(name):
    """Transform that chooses the frames."""
    if name.data.startswith(('nw-ucla', 'penn', 'sbu')):
        return 'SortedSampleFrames'
    if name.folder == 'shapmix' and re.match('ntu.*-3d', name.data):
        return 'ResizeCrop'
    return 'UniformSampleFrames'


def in_segments(name):
    """Return whether frames come from segments, as in BRL.

    On NW-UCLA, other recipes take random frames, as CTR-GCN does.
    """
    own = name.data in ('penn-action', 'sbu')
    return own or name.folder in ('brl', 'benchmark')


@pytest.mark.parametrize(**leaves())
def test_the_three_loaders_agree(name):
    """The loaders agree on modality, clip length and number of persons."""
    cfg = load(name)
    loaders = loaders_of(cfg)
    seen = {}
    for part, dataset in loaders.items():
        # A child config takes this variable; the loader holds the same.
        assert dataset.pipeline == cfg[f'{part}_pipeline']
        rows = {row['type'].split('.')[-1]: row for row in dataset.pipeline}
        assert rows['GenSkeFeat']['feats'] == [STREAMS[name.stream]]
        (sampler,) = (row for row in rows.values() if 'clip_len' in row)
        assert sampler is rows[sampler_type(name)]
        assert sampler.get('test_mode', False) == (part != 'train')
        if sampler_type(name) == 'SortedSampleFrames' and part == 'train':
            assert sampler.get('segments', False) == in_segments(name)
        if 'ResizeCrop' in rows:
            share = (0.5, 1) if part == 'train' else 0.95
            assert sampler['share'] == share
        seen[part] = (
            sampler['clip_len'],
            rows['FormatGCNInput']['num_person'],
            rows['GenSkeFeat'].get(
                'layout', rows['GenSkeFeat'].get('dataset')
            ),
            dataset.ann_file,
            dataset.layout,
            dataset.num_classes,
        )
    assert seen['train'] == seen['val'] == seen['test']
    assert seen['train'][2] == seen['train'][4]
    assert loaders['val'].split == loaders['test'].split
    assert loaders['train'].split != loaders['val'].split
    assert 'long_tail' not in loaders['val']
    if name.folder == 'shapmix':  # a single clip, as in CTR-GCN
        assert loaders['val'].pipeline == loaders['test'].pipeline


@pytest.mark.parametrize(**leaves(lambda name: name.folder == 'brl'))
def test_brl_augments_between_normalisation_and_features(name):
    """Flip, rotate and scale only in training, with the skeleton's layout."""
    cfg = load(name)
    steps = {
        part: [row['type'].split('.')[-1] for row in dataset.pipeline]
        for part, dataset in loaders_of(cfg).items()
    }
    flip = 'RandomFlip'
    if name.method == 'brl-released':
        flip = 'RandomSwapSides'
    augmentation = ['RandomScale', 'RandomRotate', flip]
    if name.data.startswith('nw-ucla'):
        augmentation.remove('RandomRotate')  # rotation comes before min-max
        assert steps['train'].pop(0) == 'RandomRotate'
    first = steps['train'].index('RandomScale')
    stop = first + len(augmentation)
    assert steps['train'][first:stop] == augmentation
    assert steps['train'][stop] in ('HideInvisible', 'GenSkeFeat')
    del steps['train'][first:stop]
    assert steps['train'] == steps['val'] == steps['test']
    rows = {r['type']: r for r in loaders_of(cfg)['train'].pipeline}
    assert rows[f'mmshapmix.{flip}']['layout'] == cfg.data.layout


@pytest.mark.parametrize('frames', [300, 16])
def test_the_frame_counts_of_brl_by_one_knob(tmp_path, frames):
    """The frame counts of section III-B2, from a data file of one's own."""
    mine = tmp_path / 'mine.py'
    base = CONFIGS / '_base_/data/ntu60-xsub-lt-3d.py'
    mine.write_text(
        f'_base_ = {str(base)!r}\ndata = dict(clip_len={frames})\n'
    )
    with spoken(data=str(mine)):
        cfg = Config.fromfile(METHODS['brl'])
    for dataset in loaders_of(cfg).values():
        (row,) = (r for r in dataset.pipeline if 'clip_len' in r)
        assert row.clip_len == frames


def test_who_is_not_there_stays_away_from_the_picture_turned_or_not():
    """In Kinetics, an absent person has no score and is in the middle."""
    (row,) = make_annotations(1, 1, 17, 2, persons=2, frames=100, scores=True)
    row['keypoint'][1] = row['keypoint_score'][1] = 0
    name = JOINT._replace(method='brl', data='k400-2d')
    for part, dataset in loaders_of(load(name)).items():
        pipeline = [r for r in dataset.pipeline if r.type != 'DecompressPose']
        rows = [TRANSFORMS.build(r) for r in pipeline]
        clips = Compose(rows)(copy.deepcopy(row))['inputs']
        assert (clips[:, 1] == 0).all(), part
        assert (clips[:, 0] != 0).any()


@pytest.mark.parametrize(**leaves(lambda name: name.stream != 'joint'))
def test_other_streams_differ_in_the_modality_alone(name):
    """Also in the transform that makes it, since MMAction2 has no skips."""
    joint, other = load(name._replace(stream='joint')), load(name)
    for cfg in (joint, other):
        only_decisive(cfg)
        for dataset in loaders_of(cfg).values():
            for row in dataset.pipeline:
                if row.pop('feats', None):
                    row.type = row.type.removeprefix('mmshapmix.')
                    row.layout = row.pop('dataset', row.get('layout'))
    assert joint.to_dict() == other.to_dict()


def only_decisive(cfg):
    """Remove variables and the work folder from a config."""
    for key in [key for key in cfg if key not in DECISIVE]:
        cfg.pop(key)
    cfg.pop('work_dir')


@pytest.mark.parametrize(**leaves(lambda name: name.model != 'stgcnpp'))
def test_other_backbones_differ_in_the_model_alone(name):
    plain, other = load(name._replace(model='stgcnpp')), load(name)
    persons = {
        row.num_person
        for row in loaders_of(other)['train'].pipeline
        if 'num_person' in row
    }
    backbone, head = BACKBONES[name.model]
    if (name.folder, name.model) == ('shapmix', 'ctrgcn'):
        backbone = dict(backbone, variant='ctrgcn')
    found = other.model.pop('backbone').to_dict()
    if found['type'] != 'mmshapmix.DGSTGCN':  # takes any number of persons
        assert {found.pop('num_person', 2)} == persons
    graph = plain.model.pop('backbone').graph_cfg.to_dict()
    if name.model != 'aagcn':  # our backbones know all layouts by name
        graph = dict(layout=loaders_of(other)['train'].layout)
    assert found == dict(backbone, graph_cfg=graph)
    plain.model.cls_head.update(head)
    only_decisive(plain), only_decisive(other)
    assert other.to_dict() == plain.to_dict()


def take_method(cfg):
    """Remove all that may differ between methods from a config."""
    head = cfg.model.cls_head
    assert head.pop('type').removeprefix('mmshapmix.') in HEADS
    cfg.model.data_preprocessor.pop('blending', None)
    loss = head.pop('loss_cls', PLAIN)
    cfg.default_hooks.pop('saliency', None)
    # BRL's settings: the sampler, the time of the loss switch, the flip.
    cfg.train_dataloader.pop('sampler')
    cfg.default_hooks.pop('deferred_loss', None)
    for row in loaders_of(cfg)['train'].pipeline:
        if row['type'] == 'mmshapmix.RandomSwapSides':
            row['type'] = 'mmshapmix.RandomFlip'
    only_decisive(cfg)
    return loss


def loss_of(name):
    """Expected loss of a training."""
    if name.folder == 'brl':
        nearly_balanced = name.kind == 'balanced'
        if name.method == 'brl' and nearly_balanced:
            return detached(BY_RATIO)
        return BRL_METHODS[name.method][2]
    if name.method == 'balanced-softmax':
        return dict(type='mmshapmix.BalancedSoftmaxLoss')
    if name.method == 'ce' or name.kind == 'balanced':
        return PLAIN
    return dict(type='mmshapmix.BalancedSoftmaxLoss')


@pytest.mark.parametrize(**leaves(lambda name: name.folder != 'benchmark'))
def test_methods_are_compared_fairly(name):
    """Methods of one recipe and data set differ only in the method."""
    plain, other = load(name._replace(method='ce')), load(name)
    take_method(plain)
    assert take_method(other) == loss_of(name)
    assert plain.to_dict() == other.to_dict()


def take(settings, place):
    """Remove a setting by its dotted name; return it, or ``None``."""
    *parents, last = place.split('.')
    for key in parents:
        settings = settings.get(key, {})
    return settings.pop(last, None)


@pytest.mark.parametrize(**leaves(lambda name: name.folder == 'benchmark'))
def test_a_row_of_the_benchmark_is_its_method_alone(name):
    """All other settings are those of cross-entropy."""
    row, rest = (
        {k: v for k, v in load(n).to_dict().items() if k in DECISIVE}
        for n in (name, name._replace(method='ce'))
    )
    for place, expected in name.settings.items():
        found = take(row, place)
        assert found == expected
        take(rest, place)
    assert row == rest


@pytest.mark.parametrize('data', DATA)
def test_the_graph_is_the_layouts(data):
    """The graph is a name that MMAction2 knows, or a row of the table."""
    cfg = load(Name('baseline', 'stgcnpp', 'ce', 'joint', data))
    layout = get_layout(cfg.data.layout)
    graph = cfg.model.backbone.graph_cfg.layout
    assert graph in (layout.name, layout.graph())
    assert {d.layout for d in loaders_of(cfg).values()} == {layout.name}


@pytest.mark.parametrize('dims', [2, 3])
def test_the_model_and_the_pipelines_are_mmaction2s(dims):
    """Only the length of a clip may differ."""
    name = f'stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-{dims}d.py'
    folder = Path(mmaction.__file__).parent / '.mim/configs/skeleton/stgcnpp'
    stock = Config.fromfile(folder / name)
    ours = load(
        Name('baseline', 'stgcnpp', 'ce', 'joint', f'ntu60-xsub-lt-{dims}d')
    )
    for part in ('backbone', 'cls_head'):
        assert ours.model[part] == stock.model[part]
    for part, dataset in loaders_of(stock).items():
        for row in dataset.pipeline:
            row.update({'clip_len': 64} if 'clip_len' in row else {})
        rows = loaders_of(ours)[part].pipeline
        for row in rows:
            row.pop('_scope_', None)
        assert rows == dataset.pipeline


def prepared(pipeline, row):
    """The clip that a pipeline makes of an annotation."""
    rows = [TRANSFORMS.build(r) for r in pipeline]
    (clip,) = Compose(rows)(copy.deepcopy(row))['inputs']
    return clip.numpy()


def test_penn_action_hides_what_was_not_seen(rng):
    """Such joints are in the middle of the picture, with a score of 0."""
    (row,) = make_annotations(1, 1, 13, 2, frames=64, scores=True)
    seen = rng.random(row['keypoint_score'].shape) < 0.7
    row['keypoint_score'] = seen.astype(np.float32)
    height, width = row['img_shape']
    half = np.array([width / 2, height / 2])
    expected = np.where(seen[..., None], row['keypoint'] / half - 1, 0)
    expected = np.concatenate([expected, seen[..., None]], axis=-1)
    cfg = load(Name('baseline', 'stgcnpp', 'ce', 'joint', 'penn-action'))
    clip = prepared(loaders_of(cfg)['val'].pipeline, row)
    np.testing.assert_allclose(clip, expected, atol=1e-6)


def test_sbu_is_moved_and_turned_as_a_whole():
    """The first person's torso is at the origin, the shoulders along x."""
    (row,) = make_annotations(1, 1, 15, 3, persons=2, frames=32)
    cfg = load(Name('baseline', 'stgcnpp', 'ce', 'joint', 'sbu'))
    clip = prepared(loaders_of(cfg)['val'].pipeline, row)
    joints = get_layout('sbu').joints
    torso, left, right = (
        clip[0, 0, joints.index(name)]
        for name in ('torso', 'l_shoulder', 'r_shoulder')
    )
    np.testing.assert_allclose(torso, 0, atol=1e-6)
    across = right - left
    assert across[0] > 0
    np.testing.assert_allclose(across[1:], 0, atol=1e-6)
    points = row['keypoint'].reshape(-1, 3), clip.reshape(-1, 3)
    before, after = (np.linalg.norm(p[:, None] - p, axis=-1) for p in points)
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_ntu_is_prepared_as_by_ctrgcn():
    """The sequence is centred, cropped, resized and rotated by 0.3 rad."""
    cfg = load(Name('shapmix', 'stgcnpp', 'ce', 'joint', 'ntu60-xsub-3d'))
    (row,) = make_annotations(1, 1, 25, 3, persons=2, frames=90)
    clip = Compose([TRANSFORMS.build(r) for r in cfg.test_pipeline])(
        dict(row)
    )['inputs']
    centred = torch.tensor(row['keypoint'] - row['keypoint'][0, 0, 1])
    flat = centred[:, 2:88].movedim(1, -1).flatten(1, 2)  # 95 % of 90 frames
    flat = torch.nn.functional.interpolate(flat, 64, mode='linear')
    expected = flat.unflatten(1, (25, 3)).movedim(-1, 1)
    torch.testing.assert_close(clip[0], expected, atol=1e-5, rtol=0)

    train = {r.type.split('.')[-1]: r for r in cfg.train_pipeline}
    turn = train.pop('RandomRotate')
    np.testing.assert_allclose(np.deg2rad(turn.degrees), 0.3, rtol=1e-3)
    test = {r.type.split('.')[-1]: r for r in cfg.test_pipeline}
    crop = dict(share=0.95, test_mode=True)
    assert train | dict(ResizeCrop=train['ResizeCrop'] | crop) == test
