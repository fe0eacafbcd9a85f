"""Hooks in a real Runner, in this process; see also test_end_to_end.py."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from ..conftest import make_data

LEAF = (
    Path(__file__).parents[2]
    / 'configs/baseline/stgcnpp_balanced-softmax_joint_synthetic-lt.py'
)
CLASSES = 4


@pytest.fixture
def build(write, tmp_path):
    """A runner on random sequences of four classes; options override."""

    def build_runner(data=None, **options):
        cfg = Config.fromfile(LEAF)
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


def test_counts_reach_loss_metric_and_checkpoint(build):
    runner = build()
    runner.train()
    counts = [6, 4, 2, 2]
    prior = runner.model.cls_head.loss_cls.log_prior
    torch.testing.assert_close(prior.exp(), torch.tensor(counts) / sum(counts))
    (metric,) = runner.val_evaluator.metrics
    assert metric.class_counts.tolist() == counts
    saved = torch.load(f'{runner.work_dir}/epoch_1.pth', weights_only=True)
    assert saved['meta']['class_counts'] == counts


def test_a_head_of_another_size_is_refused(build):
    runner = build(**{'model.cls_head.num_classes': 7})
    with pytest.raises(ValueError, match='Expected 7 classes.*but got 4'):
        runner.train()


def empty_class():
    data = make_data(CLASSES, 6)
    for row in data['annotations']:
        row['label'] = row['label'] if row['label'] != 2 else 1
    return data


NO_TAIL = {'train_dataloader.dataset.dataset.long_tail': None}


def test_an_empty_class_is_refused_unless_asked_for(build):
    with pytest.raises(ValueError, match=r'every class, but classes \[2\]'):
        build(empty_class(), **NO_TAIL).train()
    allow = {'default_hooks.class_counts.allow_empty_classes': True}
    # Balanced softmax still cannot do without.
    with pytest.raises(ValueError, match=r'in each class, but classes \[2\]'):
        build(empty_class(), **NO_TAIL, **allow).train()
    runner = build(
        empty_class(),
        **NO_TAIL,
        **allow,
        **{'model.cls_head.loss_cls': dict(type='CrossEntropyLoss')},
    )
    runner.train()
    assert runner.val_evaluator.metrics[0].class_counts[2] == 0


def test_a_stock_data_set_is_refused_by_name(build):
    runner = build(
        **{
            'train_dataloader.dataset': dict(
                type='PoseDataset',
                _delete_=True,
                pipeline=[],
                ann_file=build().cfg.val_dataloader.dataset.ann_file,
            )
        }
    )
    with pytest.raises(TypeError, match='mmshapmix.LongTailPoseDataset'):
        runner.train()


def test_the_sampler_goes_on_with_the_runs_seed(build):
    """Also where no seed was given, and resuming brings the old one back."""
    first = build(randomness=dict(seed=None))
    first.train()
    again = build(
        randomness=dict(seed=None),
        resume=True,
        load_from=f'{first.work_dir}/epoch_1.pth',
        **{'train_cfg.max_epochs': 2},
    )
    assert again.seed != first.seed
    again.train()
    assert again.seed == first.seed
    assert again.train_dataloader.sampler.seed == first.seed
    assert again.train_dataloader.sampler.epoch == 1


def test_other_samplers_are_remarked_upon(build, capfd):
    runner = build(
        **{
            'train_dataloader.sampler': dict(
                type='DefaultSampler', shuffle=True
            )
        }
    )
    runner.train()
    assert 'mmshapmix.ShuffleSampler does' in capfd.readouterr().out


def test_class_balanced_training(build):
    """Each class equally often, through the loader that really trains."""
    runner = build(
        **{
            'train_dataloader.sampler': dict(
                type='mmshapmix.ClassBalancedSampler', _delete_=True
            )
        }
    )
    labels = [
        sample.gt_label.item()
        for batch in runner.train_dataloader
        for sample in batch['data_samples']
    ]
    assert np.ptp(np.bincount(labels, minlength=CLASSES)) <= 1
