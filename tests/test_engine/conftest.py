"""A real Runner on a small data set."""

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from .. import running
from ..conftest import make_data

CLASSES = 4


@pytest.fixture
def build(write, tmp_path):
    """A runner on random sequences of four classes; options override."""

    def build_runner(data=None, leaf='balanced-softmax', **options):
        cfg = Config.fromfile(running.leaf(leaf))
        cfg.work_dir = str(tmp_path / 'work')
        cfg.experiment_name = f'{tmp_path.name}_{len(options)}_{id(data)}'
        path = write(data or make_data(CLASSES, 6))
        for part in ('train', 'val', 'test'):
            loader = cfg[f'{part}_dataloader']
            loader.update(
                num_workers=0, persistent_workers=False, batch_size=4
            )
            inner = loader.dataset.get('dataset', loader.dataset)
            inner.update(ann_file=path, num_classes=CLASSES)
        cfg.train_dataloader.drop_last = False  # the last batch is incomplete
        cfg.train_dataloader.dataset.times = 1
        inner = cfg.train_dataloader.dataset.dataset
        inner.long_tail = dict(max_per_class=6, imbalance_ratio=3)
        cfg.model.cls_head.num_classes = CLASSES
        cfg.model.backbone.update(
            base_channels=8, num_stages=2, inflate_stages=[], down_stages=[2]
        )
        cfg.model.cls_head.in_channels = 8
        cfg.train_cfg.max_epochs = 1
        cfg.randomness = dict(seed=0)
        cfg.merge_from_dict(options)
        return Runner.from_cfg(cfg)

    return build_runner
