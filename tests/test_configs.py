"""Every leaf builds, and says the same everywhere.

The data are small stand-ins with the real names, splits and forms.
"""

import functools
import gc
import pickle
from pathlib import Path
from types import SimpleNamespace

import mmengine.config.config
import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.runner import Runner
from mmengine.visualization import Visualizer

from mmshapmix.functional.layouts import get_layout

from .conftest import make_annotations, make_data
from .recipes import MIXERS, Name, steps

ROOT = Path(__file__).parents[1]
LEAVES = sorted(
    p for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts
)
FEATS = {'joint': 'j', 'bone': 'b', 'joint-motion': 'jm', 'bone-motion': 'bm'}

pytestmark = pytest.mark.filterwarnings(
    'ignore:The profile asks for', 'ignore:Detected call of `scheduler.step'
)


def leaves(condition=lambda name: True):
    """Parametrises a test with the leaves of which it is true."""
    chosen = [p for p in LEAVES if condition(Name.of(p))]
    ids = [f'{p.parent.name}/{p.stem}' for p in chosen]
    return dict(argnames='path', argvalues=chosen, ids=ids)


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


@pytest.fixture(scope='module', autouse=True)
def quick():
    """Hundreds of runners without what takes most of their time.

    MMEngine formats each config three times, reads all of MMAction2's
    metafiles to find one base, and sweeps all objects, nearly all of them
    modules', after each annotation file.
    """

    def unformatted(text, **kwargs):
        compile(text, 'config', 'exec')  # what is not Python fails as before
        return text, False

    register_all_modules(init_default_scope=False)
    gc.collect()
    gc.freeze()
    find_base = functools.cache(mmengine.config.config._get_external_cfg_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.config.config, 'FormatCode', unformatted)
        patch.setattr(
            mmengine.config.config, '_get_external_cfg_path', find_base
        )
        yield
    gc.unfreeze()


@functools.cache
def parsed(path):
    """A leaf's config as a pickle, which is read sooner than the leaf."""
    return pickle.dumps(Config.fromfile(path))


def load(path, **options):
    cfg = pickle.loads(parsed(path))
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


def built(cfg):
    """A leaf's runner, its loops and what they read."""
    runner = Runner.from_cfg(cfg)
    loops = dict(
        train=runner.train_loop, val=runner.val_loop, test=runner.test_loop
    )
    loaders = {part: loop.dataloader for part, loop in loops.items()}
    datasets = {}
    for part, loader in loaders.items():
        inner = loader.dataset
        while hasattr(inner, 'dataset'):
            inner = inner.dataset
        datasets[part] = inner
    return SimpleNamespace(runner=runner, loaders=loaders, datasets=datasets)


@pytest.fixture(scope='module', params=LEAVES, ids=leaves()['ids'])
def leaf(request):
    """A built leaf; all tests of it use the same one."""
    cfg = load(request.param)
    result = built(cfg)
    result.cfg, result.name = cfg, Name.of(request.param)
    result.mixer = result.runner.model.data_preprocessor.blending
    yield result
    # MMEngine keeps the visualizers of all runners, each with its figures.
    for kind in (Visualizer, type(result.runner.visualizer)):
        kind._instance_dict.clear()


def hooks_of(runner):
    return {type(hook).__name__: hook for hook in runner.hooks}


def settings_of(module, names):
    return {name: getattr(module, name) for name in names}


def test_a_leaf_builds_its_runner_and_loaders(leaf):
    hooks = {'ClassCountsHook', 'PerClassTableHook'}
    hooks |= {'SamplerSeedHook', 'MixerSeedHook'}
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


def test_the_mixer_is_the_methods(leaf):
    """Its class and settings, its estimator's, and the hook that asks it."""
    expected, mixer = MIXERS[leaf.name.method], leaf.mixer
    saliency = hooks_of(leaf.runner).get('SaliencyHook')
    if expected is None:
        assert mixer is None and saliency is None
        return
    kind, settings, *guidance = expected
    assert (type(mixer).__name__, mixer.output) == (kind, 'both')
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
        warmup = 3 if leaf.name.kind == 'synthetic' else 5
        settings = dict(interval=1, share=1, warmup='st-mix')
        settings.update(warmup_epochs=warmup)
        assert settings_of(saliency, settings) == settings


def test_the_mixer_takes_the_data(leaf):
    """Of the data set's layout and classes; in training alone."""
    if leaf.mixer is None:
        return
    dataset, model = leaf.datasets['train'], leaf.runner.model
    assert leaf.mixer.layout == dataset.layout
    assert leaf.mixer.num_classes == dataset.num_classes
    leaf.mixer.guided = False  # as in the warm-up
    clean = model.data_preprocessor(
        pseudo_collate([leaf.datasets['val'][i] for i in range(3)])
    )['inputs']
    batch = model.data_preprocessor(
        pseudo_collate([dataset[i] for i in range(3)]), training=True
    )
    assert batch['inputs'].shape == (6, *clean.shape[1:])
    labels = torch.stack([s.gt_label for s in batch['data_samples']])
    assert labels.shape == (6, model.cls_head.num_classes)
    assert [s.mixed for s in batch['data_samples']] == [False] * 3 + [True] * 3


def test_training_settings(leaf):
    name, cfg, recipe = leaf.name, leaf.cfg, leaf.name.recipe
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.nesterov) == ('SGD', True)
    assert (optimizer.lr, optimizer.momentum) == (0.1, 0.9)
    assert optimizer.weight_decay == recipe.weight_decay
    # The learning rate is 0.1 * total batch / the recipe's.
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
    """Of all iterations, from what ``Runner.train`` would build."""
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


def test_learning_rates(leaf):
    """Of the whole training, as the recipe has them."""
    rates, recipe = learning_rates(leaf.runner), leaf.name.recipe
    epochs = recipe.passes // recipe.times
    epoch = np.arange(len(rates)) * epochs / len(rates)
    rate = 0.1 * leaf.loaders['train'].batch_size / recipe.batch
    np.testing.assert_allclose(
        rates, rate * recipe.factor(epoch, epochs), rtol=1e-9, atol=1e-12
    )


def test_the_rates_of_the_steps():
    """By hand: 20 % in the first epoch, all from the fifth, then tenths."""
    epoch = np.array([0, 0.9, 1, 2, 3, 4, 59.9, 60, 79.9, 80, 99.9])
    np.testing.assert_allclose(
        steps(60, 80)(epoch, 100),
        [0.2, 0.2, 0.4, 0.6, 0.8, 1, 1, 0.1, 0.1, 0.01, 0.01],
    )


@pytest.mark.parametrize('folder', ['baseline', 'shapmix'])
def test_the_cosine_ends_with_the_training(folder):
    """Whatever --cfg-options makes of the number of epochs."""
    path = ROOT / f'configs/{folder}/stgcnpp_ce_joint_k400-2d.py'
    recipe = Name.of(path).recipe
    rates = learning_rates(
        built(load(path, **{'train_cfg.max_epochs': 3})).runner
    )
    factor = recipe.factor(np.arange(len(rates)) * 3 / len(rates), 3)
    np.testing.assert_allclose(rates / rates[0], factor, atol=1e-9)


def sampler_type(name):
    """Which transform chooses the frames."""
    if name.data.startswith('nw-ucla'):
        return 'SortedSampleFrames'
    if name.folder == 'shapmix' and name.data.startswith('ntu'):
        return 'ResizeCrop'
    return 'UniformSampleFrames'


@pytest.mark.parametrize(**leaves())
def test_the_three_loaders_agree(path):
    """On the modality, which is the name's, on clip length and persons."""
    loaders, name = loaders_of(load(path)), Name.of(path)
    seen = {}
    for part, dataset in loaders.items():
        rows = {row['type'].split('.')[-1]: row for row in dataset.pipeline}
        assert rows['GenSkeFeat']['feats'] == [FEATS[name.stream]]
        (sampler,) = (row for row in rows.values() if 'clip_len' in row)
        assert sampler is rows[sampler_type(name)]
        assert sampler.get('test_mode', False) == (part != 'train')
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


@pytest.mark.parametrize(**leaves(lambda name: name.stream != 'joint'))
def test_other_streams_differ_in_the_modality_alone(path):
    stream = Name.of(path).stream
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
    preprocessor = cfg.model.get('data_preprocessor')
    loss = head.pop('loss_cls', dict(type='CrossEntropyLoss'))
    mixer = preprocessor and preprocessor.pop('blending', None)
    hook = cfg.default_hooks.pop('saliency', None)
    # What stands in the top block is what is built.
    assert cfg.pop('loss', loss) == loss
    assert cfg.pop('mixer', mixer) == mixer
    assert ('warmup_epochs' in cfg) == (hook is not None)
    if hook is not None:
        assert hook.warmup_epochs == cfg.pop('warmup_epochs')
    cfg.pop('work_dir')
    return loss


@pytest.mark.parametrize(**leaves())
def test_methods_are_compared_fairly(path):
    """Methods of one data set and stream differ in the method alone."""
    plain, other = load(compared_with(path)), load(path)
    name = Name.of(path)
    take_method(plain)
    simple = name.method == 'ce' or name.kind == 'balanced'
    assert take_method(other) == dict(
        type='CrossEntropyLoss' if simple else 'mmshapmix.BalancedSoftmaxLoss'
    )
    assert plain.to_dict() == other.to_dict()


def test_the_nw_ucla_graph_is_the_layouts():
    cfg = Config.fromfile(ROOT / 'configs/_base_/nw-ucla.py')
    assert cfg.nw_ucla_graph == get_layout('nw-ucla').graph()


def test_ntu_is_prepared_as_by_ctrgcn():
    """Centred on the first spine, cropped, resized, turned by 0.3 rad."""
    cfg = Config.fromfile(ROOT / 'configs/_base_/shapmix.py')
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
