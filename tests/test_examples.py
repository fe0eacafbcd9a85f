"""The examples can be trained."""

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmshapmix.engine.models import mixer_of

from .conftest import make_data
from .running import ROOT

# Classes, joints, coordinates and names of splits.
DATA = {
    'stock_with_shapmix': (60, 25, 3, ('xsub_train', 'xsub_val')),
    'own_skeleton/shapmix': (3, 6, 2, ('train', 'val')),
    'other_backbone': (10, 20, 3, ('xview_train_clean', 'xview_val')),
}


@pytest.mark.filterwarnings('ignore:The profile asks for')
@pytest.mark.parametrize('name', DATA)
def test_an_example_trains(tmp_path, write, name):
    """A small model is trained for three iterations."""
    classes, joints, dims, splits = DATA[name]
    cfg = Config.fromfile(ROOT / f'examples/{name}.py')
    data = make_data(
        classes, 3, joints, dims, frames=20, scores=dims == 2, splits=splits
    )
    path = write(data)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.train_dataloader.batch_size = classes
    cfg.optim_wrapper.optimizer.lr = 1e-3
    cfg.train_dataloader.dataset.times = 1
    cfg.train_dataloader.dataset.dataset.update(ann_file=path, long_tail=None)
    for row in cfg.train_dataloader.dataset.dataset.pipeline:
        if 'clip_len' in row:
            row.clip_len = 8
    small = dict(num_stages=2, inflate_stages=[2], down_stages=[2])
    cfg.model.backbone.update(base_channels=16, **small)
    cfg.model.cls_head.in_channels = 32
    cfg.train_cfg.max_epochs = 1
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'work'), tmp_path.name
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 3
    mixer = mixer_of(runner.model)
    assert (mixer.num_classes, mixer.layout.num_joints) == (classes, joints)


def test_a_config_of_ones_own_is_short():
    for name in ('own_skeleton/shapmix', 'other_backbone'):
        assert len((ROOT / f'examples/{name}.py').read_text().split('\n')) < 10
