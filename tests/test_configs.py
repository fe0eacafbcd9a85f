"""Every leaf builds, and says the same everywhere.

The data are small stand-ins with the real names, splits and forms.
"""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmshapmix.functional.layouts import get_layout

from .conftest import make_data

ROOT = Path(__file__).parents[1]
LEAVES = sorted(
    p for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts
)
IDS = [p.stem for p in LEAVES]
JOINT = [p for p in LEAVES if '_joint_' in p.name]
FEATS = {'joint': 'j', 'bone': 'b', 'joint-motion': 'jm', 'bone-motion': 'bm'}

pytestmark = pytest.mark.filterwarnings('ignore:The profile asks for')


@pytest.fixture(scope='module', autouse=True)
def stand_ins(tmp_path_factory):
    """A working folder with data/skeleton/*.pkl."""
    root = tmp_path_factory.mktemp('configs')
    folder = root / 'data' / 'skeleton'
    (folder / 'kpfiles').mkdir(parents=True)
    contents = {
        'nwucla': make_data(
            10, 1, 20, splits=('xview_train', 'xview_train_clean', 'xview_val')
        ),
        'synthetic': make_data(16, 1, 25),
    }
    for classes, other in ((60, 'xview'), (120, 'xset')):
        splits = [
            f'{kind}_{part}'
            for kind in ('xsub', other)
            for part in ('train', 'val')
        ]
        contents[f'ntu{classes}_3d'] = make_data(
            classes, 1, 25, persons=2, splits=splits
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
    """Kinetics: keypoints apart, in a file for each sample."""
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


def load(path, **options):
    cfg = Config.fromfile(path)
    cfg.work_dir = 'work_dirs/' + path.stem
    cfg.merge_from_dict(options)
    for loader in ('train', 'val', 'test'):
        cfg[f'{loader}_dataloader'].update(
            num_workers=0, persistent_workers=False
        )
    return cfg


def innermost(dataset):
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def loaders_of(cfg):
    """What the loaders really hold, not what variables say."""
    return {
        part: innermost(cfg[f'{part}_dataloader']['dataset'])
        for part in ('train', 'val', 'test')
    }


@pytest.mark.parametrize('path', LEAVES, ids=IDS)
def test_a_leaf_builds_its_runner_and_loaders(path):
    cfg = load(path)
    runner = Runner.from_cfg(cfg)
    hooks = {type(hook).__name__ for hook in runner.hooks}
    assert {'ClassCountsHook', 'PerClassTableHook', 'SamplerSeedHook'} <= hooks
    layout = get_layout(loaders_of(cfg)['train']['layout'])
    head, backbone = runner.model.cls_head, runner.model.backbone
    assert backbone.graph.num_node == layout.num_joints
    persons = {
        row.num_person
        for part in loaders_of(cfg).values()
        for row in part.pipeline
        if row.type == 'FormatGCNInput'
    }
    for part in ('train', 'val', 'test'):
        loader = runner.build_dataloader(cfg[f'{part}_dataloader'], seed=0)
        inner = loader.dataset
        while hasattr(inner, 'dataset'):
            inner = inner.dataset
        assert inner.num_classes == head.num_classes
        assert len(loader) > 0
        clip = inner[0]['inputs']
        assert torch.isfinite(clip).all()
        assert clip.shape[1:] == (
            *persons,
            clip.shape[2],
            layout.num_joints,
            3,
        )
    assert len(loader.dataset) == len(inner)


@pytest.mark.parametrize('path', LEAVES, ids=IDS)
def test_the_three_loaders_agree(path):
    """On the modality, which is the name's, on clip length and persons."""
    loaders = loaders_of(load(path))
    stream = path.stem.split('_')[2]
    seen = {}
    for part, dataset in loaders.items():
        rows = {row['type'].split('.')[-1]: row for row in dataset.pipeline}
        assert rows['GenSkeFeat']['feats'] == [FEATS[stream]]
        (sampler,) = (r for t, r in rows.items() if 'SampleFrames' in t)
        assert sampler.get('test_mode', False) == (part != 'train')
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


@pytest.mark.parametrize(
    'path', [p for p in LEAVES if p not in JOINT], ids=lambda p: p.stem
)
def test_other_streams_differ_in_the_modality_alone(path):
    stream = path.stem.split('_')[2]
    joint = load(path.with_name(path.name.replace(f'_{stream}_', '_joint_')))
    other = load(path)
    for cfg in (joint, other):
        cfg.pop('work_dir')
        for key in [k for k in cfg if k.endswith('_pipeline')]:
            cfg.pop(key)  # variables; the loaders hold the pipelines
        for dataset in loaders_of(cfg).values():
            for row in dataset.pipeline:
                row.pop('feats', None)
    assert joint.to_dict() == other.to_dict()


@pytest.mark.parametrize(
    'path', [p for p in LEAVES if '_ce_' not in p.name], ids=lambda p: p.stem
)
def test_methods_are_compared_fairly(path):
    """Methods of one data set and stream differ in the method alone."""
    method = path.stem.split('_')[1]
    plain = load(path.with_name(path.name.replace(f'_{method}_', '_ce_')))
    other = load(path)
    loss = other.model.cls_head.pop('loss_cls')
    assert loss == dict(type='mmshapmix.BalancedSoftmaxLoss')
    for cfg in (plain, other):
        cfg.pop('work_dir')
    assert other.pop('loss') == loss
    assert plain.to_dict() == other.to_dict()


@pytest.mark.parametrize('path', LEAVES, ids=IDS)
def test_training_settings(path):
    cfg = load(path)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.nesterov) == ('SGD', True)
    assert optimizer.weight_decay == 5e-4
    assert (optimizer.lr, cfg.auto_scale_lr.enable) == (0.1, True)
    if 'synthetic' in path.stem:
        return
    # The learning rate is 0.1 * total batch / 128.
    assert cfg.auto_scale_lr.base_batch_size == 128
    train = cfg.train_dataloader.dataset
    assert train.times * cfg.train_cfg.max_epochs == 120
    dataset, tail = path.stem.split('_')[3], train.dataset.get('long_tail')
    expected = {
        'ntu60-xsub': (600, 100),
        'ntu60-xview': (600, 100),
        'ntu120-xsub': (600, 100),
        'ntu120-xset': (400, 100),
        'nw-ucla': (100, 10),
        'k400-2d': None,
    }[dataset.split('-lt')[0]]
    assert (tail and (tail.max_per_class, tail.imbalance_ratio)) == expected
    clip_len = {'k400-2d': 100, 'nw-ucla-lt': 52}.get(dataset, 64)
    lengths = {
        row.clip_len for row in train.dataset.pipeline if 'clip_len' in row
    }
    assert lengths == {clip_len}


def test_the_schedule_ends_with_the_training():
    """Cosine to zero over the epochs, whatever --cfg-options makes of them."""
    path = next(p for p in JOINT if 'nw-ucla' in p.name)
    cfg = load(path, **{'train_cfg.max_epochs': 3})
    runner = Runner.from_cfg(cfg)
    runner.train_loop  # noqa: B018  builds the loader
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    (scheduler,) = runner.build_param_scheduler(runner.param_schedulers)
    steps = 3 * len(runner.train_dataloader)
    rates = []
    for _ in range(steps):
        rates.append(runner.optim_wrapper.get_lr()['lr'][0])
        scheduler.step()
    t = np.arange(steps)
    np.testing.assert_allclose(
        rates, 0.05 * (1 + np.cos(np.pi * t / steps)), atol=1e-9
    )


def test_the_nw_ucla_graph_is_the_layouts():
    cfg = Config.fromfile(ROOT / 'configs/_base_/nw-ucla.py')
    assert cfg.nw_ucla_graph == get_layout('nw-ucla').graph()
