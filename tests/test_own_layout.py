"""A custom skeleton in a child of our configs."""

import pytest
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner

from mmshapmix.engine.models import mixer_of
from mmshapmix.functional.layouts import get_layout

from .conftest import make_data
from .running import leaf

CLASSES = 3
LAYOUT = """dict(
    name='mine', joints=15, center=1,
    inward=[(0, 1), (2, 1), (3, 1), (4, 3), (5, 4), (6, 1), (7, 6), (8, 7),
            (9, 2), (10, 9), (11, 10), (12, 2), (13, 12), (14, 13)],
    mirror=[(3, 6), (4, 7), (5, 8), (9, 12), (10, 13), (11, 14)],
    parts=dict(body=[0, 1, 2], right_arm=[6, 7, 8], left_arm=[3, 4, 5],
               right_leg=[12, 13, 14], left_leg=[9, 10, 11]),
    upper=[0, 1, 3, 4, 5, 6, 7, 8], lower=[2, 9, 10, 11, 12, 13, 14],
    origin=2, spine=[2, 1], shoulders=[6, 3], dims={dims})"""


def child(tmp_path, base, text):
    path = tmp_path / 'child.py'
    path.write_text(f'_base_ = {str(base)!r}\n{text}')
    return path


def layouts_in(node):
    """All values with the key `layout`."""
    if isinstance(node, list | tuple):
        for value in node:
            yield from layouts_in(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == 'layout':
                yield value
            else:
                yield from layouts_in(value)


def parts_of(cfg):
    """Layouts of built objects, which may differ from the variables."""
    names = ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader')
    return {name: cfg[name].to_dict() for name in names}


def two_steps(cfg, data, folder):
    """A runner with a small model and little data."""
    for part in ('train', 'val'):
        loader = cfg[f'{part}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=4)
        inner = loader.dataset.get('dataset', loader.dataset)
        inner.update(ann_file=data, num_classes=CLASSES, split=part)
    inner = cfg.train_dataloader.dataset
    inner.times = 1
    cfg.train_dataloader.drop_last = False
    inner.dataset.long_tail = None
    cfg.model.backbone.update(
        base_channels=8, num_stages=2, inflate_stages=[], down_stages=[2]
    )
    cfg.model.cls_head.update(num_classes=CLASSES, in_channels=8)
    cfg.train_cfg.max_epochs = 1
    cfg.work_dir, cfg.experiment_name = str(folder / 'work'), folder.name
    return Runner.from_cfg(cfg)


@pytest.mark.parametrize(
    ('base', 'dims'),
    [
        (leaf('shapmix', data='nw-ucla-lt'), 3),
        (leaf('rpm', data='ntu60-xsub-lt-3d'), 3),
        (leaf('ce', data='ntu60-xsub-lt-2d'), 2),
    ],
)
def test_one_at_the_top_of_a_child_is_everywhere(tmp_path, write, base, dims):
    """Data, transforms, mixer and MMAction2's backbone have it; it trains."""
    text = f'layout = {LAYOUT.format(dims=dims)}'
    cfg = Config.fromfile(child(tmp_path, base, text))
    own = cfg.layout.to_dict()
    graph = cfg.model.backbone.graph_cfg.layout.to_dict()
    assert graph == get_layout(own).graph()
    found = [*layouts_in(parts_of(cfg))]
    assert len(found) > 6 and all(one in (own, graph) for one in found)
    types = {
        step.type for step in cfg.train_dataloader.dataset.dataset.pipeline
    }
    assert not {'GenSkeFeat', 'PreNormalize3D'} & types
    data = make_data(
        CLASSES, 2, joints=15, channels=dims, frames=70, scores=dims == 2
    )
    runner = two_steps(cfg, write(data), tmp_path)
    runner.train()
    assert runner.iter == 2
    assert runner.model.backbone.graph.num_node == 15
    mixer = mixer_of(runner.model)
    assert mixer is None or mixer.layout == get_layout(own)
    # The config that MMEngine saves gives the same again.
    assert Config.fromstring(cfg.pretty_text, '.py').to_dict() == cfg.to_dict()


@pytest.mark.parametrize(
    'base',
    [
        leaf('shapmix', data='nw-ucla-lt', backbone='ctrgcn'),
        leaf('shapmix', data='ntu60-xsub-lt-3d', backbone='hdgcn'),
    ],
)
def test_our_backbones_get_all_of_it(tmp_path, base):
    """They need more than the graph, for example HD-GCN the parts' levels."""
    text = f'layout = {LAYOUT.format(dims=3)}'
    cfg = Config.fromfile(child(tmp_path, base, text))
    own = cfg.layout.to_dict()
    assert all(one == own for one in layouts_in(parts_of(cfg)))
    backbone = MODELS.build(cfg.model.backbone)
    assert backbone.graph.num_node == 15 and backbone.graph.origin == 2


def test_one_inside_of_a_child_is_for_that_place(tmp_path):
    """No `_delete_` is needed, and the other places keep their layout."""
    text = f"""
own = {LAYOUT.format(dims=3)}
model = dict(backbone=dict(graph_cfg=dict(layout=dict(
    num_node=2, inward=[(0, 1)], center=1))))
train_dataloader = dict(dataset=dict(dataset=dict(layout=own)))
val_dataloader = dict(dataset=dict(layout=own))
"""
    base = leaf('shapmix', data='nw-ucla-lt')
    cfg = Config.fromfile(child(tmp_path, base, text))
    assert cfg.model.backbone.graph_cfg == dict(
        layout=dict(num_node=2, inward=[(0, 1)], center=1), mode='spatial'
    )
    assert cfg.train_dataloader.dataset.dataset.layout == cfg.own
    assert cfg.val_dataloader.dataset.layout == cfg.own
    assert cfg.test_dataloader.dataset.layout == 'nw-ucla'
    # An option that sets one field keeps the other fields.
    cfg.merge_from_dict({'model.backbone.graph_cfg.layout.center': 0})
    assert cfg.model.backbone.graph_cfg.layout.num_node == 2


def test_axes_that_the_config_chooses_stay(tmp_path):
    text = f"""
layout = {LAYOUT.format(dims=3)}
pipeline = [dict(type='PreNormalize3D', zaxis=[2, 1], xaxis=[6, 3])]
test_dataloader = dict(dataset=dict(pipeline=pipeline))
"""
    base = leaf('ce', data='ntu60-xsub-lt-3d')
    cfg = Config.fromfile(child(tmp_path, base, text))
    (step,) = cfg.test_dataloader.dataset.pipeline
    assert step == dict(type='PreNormalize3D', zaxis=[2, 1], xaxis=[6, 3])


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('(9, 2)', '(9, 20)', r"'mine', but got \[20\]"),
        ('joints=15', 'num_node=15', r"dict with \['center', .* 'num_node'"),
    ],
)
def test_what_is_no_layout_is_refused(tmp_path, old, new, message):
    text = LAYOUT.format(dims=3).replace(old, new)
    base = leaf('ce', data='ntu60-xsub-lt-3d')
    with pytest.raises(ValueError, match=message):
        Config.fromfile(child(tmp_path, base, f'layout = {text}'))


@pytest.mark.parametrize('counted', [True, False])
def test_a_mixer_needs_it_beside_its_number_of_classes_only(tmp_path, counted):
    """Without that number, the mixer takes both from the training data."""
    blending = dict(num_classes=CLASSES) if counted else dict(alpha=2)
    text = f"""
layout = {LAYOUT.format(dims=3)}
model = dict(data_preprocessor=dict(blending={blending}))
"""
    base = leaf('shapmix', data='nw-ucla-lt')
    cfg = Config.fromfile(child(tmp_path, base, text))
    assert ('layout' in cfg.model.data_preprocessor.blending) == counted
    mixer = MODELS.build(cfg.model.data_preprocessor.blending)
    assert (mixer.layout == get_layout(cfg.layout)) == counted
