"""Every leaf says the same everywhere, and differs where its name does."""

import copy
import re
from pathlib import Path

import mmaction
import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose

from mmshapmix.functional.layouts import get_layout
from mmshapmix.runs import DECISIVE

from .conftest import make_annotations
from .leaves import (
    BASES,
    DATA_BASES,
    LEAVES,
    bases,
    leaves,
    load,
    loaders_of,
    quick,  # noqa: F401  for all tests of this file
)
from .recipes import (
    BACKBONES,
    BRL_METHODS,
    BY_RATIO,
    PLAIN,
    Name,
    detached,
)

FEATS = {
    'joint': 'j',
    'bone': 'b',
    'skip': 'k',
    'joint-motion': 'jm',
    'bone-motion': 'bm',
    'skip-motion': 'km',
}

# Alike but for what they make of mixed samples, and InfoGCN's own.
HEADS = ('GCNHead', 'MixedGCNHead', 'InfoGCNHead')

KNOB = 'stgcnpp_brl_joint_ntu60-xsub-lt-3d'


def test_every_data_base_has_its_leaves():
    """Named as the last part of their names."""
    assert {p.stem for p in DATA_BASES} == {Name.of(p).data for p in LEAVES}


@pytest.mark.parametrize(**leaves())
def test_the_data_are_those_of_the_base(path):
    """No leaf has another file, split, tail or layout than its data set."""
    base = loaders_of(load(BASES / 'data' / f'{Name.of(path).data}.py'))
    for part, dataset in loaders_of(load(path)).items():
        dataset.pop('pipeline')
        base[part].pop('pipeline')
        assert dataset == base[part]


def sampler_type(name):
    """Which transform chooses the frames."""
    if name.data in ('nw-ucla-lt', 'penn-action', 'sbu'):
        return 'SortedSampleFrames'
    if name.folder == 'shapmix' and name.data.startswith('ntu'):
        return 'ResizeCrop'
    return 'UniformSampleFrames'


def in_segments(name):
    """Whether a frame of each segment is taken, as temporal reverse perception
    does; of NW-UCLA all others take any, as CTR-GCN.
    """
    own = name.data in ('penn-action', 'sbu')
    return own or name.folder in ('brl', 'benchmark')


@pytest.mark.parametrize(**leaves())
def test_the_three_loaders_agree(path):
    """On the modality, which is the name's, on clip length and persons."""
    cfg, name = load(path), Name.of(path)
    loaders = loaders_of(cfg)
    seen = {}
    for part, dataset in loaders.items():
        # What a child takes from the variable is what the loader holds.
        assert dataset.pipeline == cfg[f'{part}_pipeline']
        rows = {row['type'].split('.')[-1]: row for row in dataset.pipeline}
        assert rows['GenSkeFeat']['feats'] == [FEATS[name.stream]]
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
    if name.folder == 'shapmix':  # a single clip, as CTR-GCN
        assert loaders['val'].pipeline == loaders['test'].pipeline


@pytest.mark.parametrize(**leaves(lambda name: name.folder == 'brl'))
def test_brl_augments_between_normalisation_and_features(path):
    """Flip, rotate and scale, in training alone, in the skeleton's layout."""
    cfg = load(path)
    steps = {
        part: [row['type'].split('.')[-1] for row in dataset.pipeline]
        for part, dataset in loaders_of(cfg).items()
    }
    flip = 'RandomFlip'
    if Name.of(path).method == 'brl-released':
        flip = 'RandomSwapSides'
    augmentation = ['RandomScale', 'RandomRotate', flip]
    if Name.of(path).data == 'nw-ucla-lt':
        augmentation.remove('RandomRotate')  # it comes before min-max
        assert steps['train'].pop(0) == 'RandomRotate'
    first = steps['train'].index('RandomScale')
    stop = first + len(augmentation)
    assert steps['train'][first:stop] == augmentation
    assert steps['train'][stop] in ('HideInvisible', 'GenSkeFeat')
    del steps['train'][first:stop]
    assert steps['train'] == steps['val'] == steps['test']
    rows = {r['type']: r for r in loaders_of(cfg)['train'].pipeline}
    assert rows[f'mmshapmix.{flip}']['layout'] == cfg.layout


@pytest.mark.parametrize('frames', [300, 100, 64, 50, 32, 16])
def test_the_frame_counts_of_brl_by_one_knob(tmp_path, frames):
    """Those of section III-B2, from the line at the top of a leaf."""
    path = BASES.parent / f'brl/{KNOB}.py'
    text, number = re.subn(
        r'^clip_len = \d+.*$',
        f'clip_len = {frames}',
        path.read_text(),
        flags=re.M,
    )
    assert number == 1
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(text.replace('../_base_', str(BASES)))
    for dataset in loaders_of(load(leaf)).values():
        (row,) = (r for r in dataset.pipeline if 'clip_len' in r)
        assert row.clip_len == frames


def test_who_is_not_there_stays_away_from_the_picture_turned_or_not():
    """Kinetics: the second person has no score, and lies in the middle."""
    (row,) = make_annotations(1, 1, 17, 2, persons=2, frames=100, scores=True)
    row['keypoint'][1] = row['keypoint_score'][1] = 0
    (path,) = (p for p in LEAVES if p.stem == 'stgcnpp_brl_joint_k400-2d')
    for part, dataset in loaders_of(load(path)).items():
        pipeline = [r for r in dataset.pipeline if r.type != 'DecompressPose']
        rows = [TRANSFORMS.build(r) for r in pipeline]
        clips = Compose(rows)(copy.deepcopy(row))['inputs']
        assert (clips[:, 1] == 0).all(), part
        assert (clips[:, 0] != 0).any()


@pytest.mark.parametrize(**leaves(lambda name: name.stream != 'joint'))
def test_other_streams_differ_in_the_modality_alone(path):
    stream = Name.of(path).stream
    joint = load(path.with_name(path.name.replace(f'_{stream}_', '_joint_')))
    other = load(path)
    for cfg in (joint, other):
        cfg.pop('work_dir')
        for key in [k for k in cfg if k.endswith('pipeline')]:
            cfg.pop(key)  # variables; the loaders hold the pipelines
        for dataset in loaders_of(cfg).values():
            for row in dataset.pipeline:
                row.pop('feats', None)
    assert joint.to_dict() == other.to_dict()


@pytest.mark.parametrize(**leaves(lambda name: name.model != 'stgcnpp'))
def test_other_backbones_differ_in_the_model_alone(path):
    name = Name.of(path)
    plain = load(path.with_name(path.name.replace(name.model, 'stgcnpp', 1)))
    other = load(path)
    persons = {
        row.num_person
        for row in loaders_of(other)['train'].pipeline
        if 'num_person' in row
    }
    backbone, head = BACKBONES[name.model]
    if (name.folder, name.model) == ('shapmix', 'ctrgcn'):
        backbone = dict(backbone, variant='ctrgcn')
    found = other.model.pop('backbone').to_dict()
    if found['type'] != 'mmshapmix.DGSTGCN':  # indifferent to persons
        assert {found.pop('num_person', 2)} == persons
    graph = plain.model.pop('backbone').graph_cfg.to_dict()
    if name.model != 'aagcn':  # ours know all layouts by name
        graph = dict(layout=loaders_of(other)['train'].layout)
    assert found == dict(backbone, graph_cfg=graph)
    plain.model.cls_head.update(head)
    plain.pop('work_dir'), other.pop('work_dir')
    assert other.to_dict() == plain.to_dict()


def compared_with(path):
    """A leaf of the same data: cross-entropy, or the first if none has it."""
    name = Name.of(path)
    group = {
        Name.of(p).method: p
        for p in LEAVES
        if Name.of(p)._replace(method=name.method) == name
    }
    assert 'ce' in group or name.folder != 'baseline'
    return group.get('ce', min(group.values()))


def take_method(cfg):
    """Take out of a config what may differ between methods: all of it."""
    head = cfg.model.cls_head
    assert head.pop('type').removeprefix('mmshapmix.') in HEADS
    preprocessor = cfg.model.pop('data_preprocessor', None)
    loss = head.pop('loss_cls', PLAIN)
    mixer = preprocessor and preprocessor.pop('blending', None)
    cfg.default_hooks.pop('saliency', None)
    # What stands in the variables is what is built.
    assert cfg.pop('loss', loss) == loss
    assert cfg.pop('mixer', mixer) == mixer
    # BRL's: the sampler, when the loss changes, and the release's flip.
    cfg.train_dataloader.pop('sampler')
    cfg.default_hooks.pop('deferred_loss', None)
    for pipeline in (cfg.train_pipeline, loaders_of(cfg)['train'].pipeline):
        for row in pipeline:
            if row['type'] == 'mmshapmix.RandomSwapSides':
                row['type'] = 'mmshapmix.RandomFlip'
    cfg.pop('work_dir')
    return loss


def loss_of(name):
    """The loss that a leaf's name promises."""
    if name.folder == 'brl':
        nearly_balanced = name.kind in ('balanced', 'natural')
        if name.method == 'brl' and nearly_balanced:
            return detached(BY_RATIO)
        return BRL_METHODS[name.method][2]
    if name.method == 'ce' or name.kind == 'balanced':
        return PLAIN
    return dict(type='mmshapmix.BalancedSoftmaxLoss')


@pytest.mark.parametrize(**leaves(lambda name: name.folder != 'benchmark'))
def test_methods_are_compared_fairly(path):
    """Methods of one data set and stream differ in the method alone."""
    plain, other = load(compared_with(path)), load(path)
    name = Name.of(path)
    take_method(plain)
    assert take_method(other) == loss_of(name)
    assert plain.to_dict() == other.to_dict()


def take(settings, place):
    """Take out a setting by its dotted name; none if it is not there."""
    *parents, last = place.split('.')
    for key in parents:
        settings = settings.get(key, {})
    return settings.pop(last, None)


@pytest.mark.parametrize(**leaves(lambda name: name.folder == 'benchmark'))
def test_a_row_of_the_benchmark_is_its_method_alone(path):
    """All the rest is that of the leaf of configs/brl."""
    name = Name.of(path)
    method = 'brl' if name.method == 'brl' else 'ce'
    base = path.parents[1] / f'brl/stgcnpp_{method}_joint_{name.data}.py'
    row, rest = (
        {k: v for k, v in load(p).to_dict().items() if k in DECISIVE}
        for p in (path, base)
    )
    for place, expected in name.settings.items():
        found = take(row, place)
        if place == 'model.data_preprocessor':
            dataset = loaders_of(load(path))['train']
            for key in ('num_classes', 'layout'):
                assert found['blending'].pop(key) == dataset[key]
        assert found == expected
        take(rest, place)
    assert row == rest


@pytest.mark.parametrize(**bases())
def test_the_graph_is_the_layouts(path):
    """By the name that MMAction2 knows, or as the row of the table."""
    cfg = load(path)
    layout = get_layout(cfg.layout)
    graph = cfg.model.backbone.graph_cfg.layout
    assert graph in (layout.name, layout.graph())
    assert {d.layout for d in loaders_of(cfg).values()} == {layout.name}


@pytest.mark.parametrize('dims', [2, 3])
def test_the_model_and_the_pipelines_are_mmaction2s(dims):
    """All but the length of a clip."""
    name = f'stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-{dims}d.py'
    folder = Path(mmaction.__file__).parent / '.mim/configs/skeleton/stgcnpp'
    stock = Config.fromfile(folder / name)
    ours = load(BASES / f'stgcnpp_{dims}d.py')
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
    """The one clip that a pipeline makes of an annotation."""
    rows = [TRANSFORMS.build(r) for r in pipeline]
    (clip,) = Compose(rows)(copy.deepcopy(row))['inputs']
    return clip.numpy()


def test_penn_action_hides_what_was_not_seen(rng):
    """In the middle of the picture, whose half is 1; the score is 0."""
    (row,) = make_annotations(1, 1, 13, 2, frames=64, scores=True)
    seen = rng.random(row['keypoint_score'].shape) < 0.7
    row['keypoint_score'] = seen.astype(np.float32)
    height, width = row['img_shape']
    half = np.array([width / 2, height / 2])
    expected = np.where(seen[..., None], row['keypoint'] / half - 1, 0)
    expected = np.concatenate([expected, seen[..., None]], axis=-1)
    cfg = load(BASES / 'data/penn-action.py')
    clip = prepared(loaders_of(cfg)['val'].pipeline, row)
    np.testing.assert_allclose(clip, expected, atol=1e-6)


def test_sbu_is_moved_and_turned_as_a_whole():
    """The first person's torso to the origin, the shoulders along x."""
    (row,) = make_annotations(1, 1, 15, 3, persons=2, frames=32)
    cfg = load(BASES / 'data/sbu.py')
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
    """Centred on the first spine, cropped, resized, turned by 0.3 rad."""
    cfg = Config.fromfile(BASES / 'shapmix.py')
    (row,) = make_annotations(1, 1, 25, 3, persons=2, frames=90)
    clip = Compose([TRANSFORMS.build(r) for r in cfg.shapmix_test_pipeline])(
        dict(row)
    )['inputs']
    centred = torch.tensor(row['keypoint'] - row['keypoint'][0, 0, 1])
    flat = centred[:, 2:88].movedim(1, -1).flatten(1, 2)  # 95 % of 90 frames
    flat = torch.nn.functional.interpolate(flat, 64, mode='linear')
    expected = flat.unflatten(1, (25, 3)).movedim(-1, 1)
    torch.testing.assert_close(clip[0], expected, atol=1e-5, rtol=0)

    train = {r.type.split('.')[-1]: r for r in cfg.shapmix_train_pipeline}
    turn = train.pop('RandomRotate')
    np.testing.assert_allclose(np.deg2rad(turn.degrees), 0.3, rtol=1e-3)
    test = {r.type.split('.')[-1]: r for r in cfg.shapmix_test_pipeline}
    crop = dict(share=0.95, test_mode=True)
    assert train | dict(ResizeCrop=train['ResizeCrop'] | crop) == test
