"""Hooks in a real Runner, in this process; see also test_end_to_end.py."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from ..conftest import make_data
from .conftest import CLASSES


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


@pytest.mark.parametrize('other', ['AccMetric', 'mmshapmix.LongTailMetric'])
def test_metrics_of_the_same_names_are_refused_at_the_start(build, other):
    both = [dict(type=other), dict(type='mmshapmix.LongTailMetric')]
    for part, call in (('val', 'train'), ('val', 'val'), ('test', 'test')):
        runner = build(**{f'{part}_evaluator': both})
        with pytest.raises(
            ValueError, match=r'LongTailMetric both report acc'
        ):
            getattr(runner, call)()
        assert runner.iter == 0
    apart = [dict(type=other, prefix='other'), both[1]]
    metrics = build(test_evaluator=apart).test()
    assert metrics['other/top1'] == metrics['acc/top1']


def test_infogcn_is_refused_with_the_head_of_others(build):
    backbone = dict(
        type='mmshapmix.InfoGCN', graph_cfg=dict(layout='nturgb+d'), k=1
    )
    runner = build(**{'model.backbone': dict(_delete_=True, **backbone)})
    for call in ('train', 'test'):
        with pytest.raises(ValueError, match=r'InfoGCNHead with .* GCNHead'):
            getattr(runner, call)()


def test_a_training_without_a_batch_is_refused(build):
    options = {
        'train_dataloader.batch_size': 99,
        'train_dataloader.drop_last': True,
        'param_scheduler': None,
    }
    with pytest.raises(ValueError, match='got 14 samples for a batch of 99'):
        build(**options).train()
    build(**{**options, 'train_dataloader.batch_size': 14}).train()


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
    # Balanced softmax still needs the class counts.
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
    """Also without a given seed, when resuming restores the old one."""
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


def test_a_seed_of_the_samplers_own_stays(build):
    runner = build(**{'train_dataloader.sampler.seed': 5})
    runner.train()
    assert runner.train_dataloader.sampler.seed == 5 != runner.seed


def test_iteration_based_loops(build):
    """A resumed run continues in the order of an uninterrupted one."""

    class Spy(Hook):
        def __init__(self):
            self.seen = []

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            self.seen += [
                sample.frame_dir for sample in data_batch['data_samples']
            ]

    def run(iters, **options):
        runner = build(
            randomness=dict(seed=None),
            train_cfg=dict(
                type='IterBasedTrainLoop',
                _delete_=True,
                max_iters=iters,
                val_interval=3,
            ),
            **{
                'default_hooks.checkpoint.by_epoch': False,
                'default_hooks.checkpoint.interval': 3,
                'param_scheduler': [],
                'train_dataloader.num_workers': 1,
            },
            **options,
        )
        spy = Spy()
        runner.register_hook(spy)
        runner.train()
        return runner, spy.seen

    whole, names = run(6)
    table = Path(whole.work_dir, 'per_class_iter_3.csv')
    assert table.is_file()
    resumed, rest = run(
        6, resume=True, load_from=f'{whole.work_dir}/iter_3.pth'
    )
    assert resumed.train_dataloader.sampler.seed == whole.seed
    assert len(names) > 20 and rest == names[-len(rest) :]


def test_validating_alone_does_not_load_the_training_data(build):
    first = build()
    first.train()
    alone = build(
        load_from=f'{first.work_dir}/epoch_1.pth',
        # MMEngine's own hook fails if nothing was trained.
        **{'default_hooks.checkpoint.save_best': None},
    )
    metrics = alone.val()
    assert isinstance(alone._train_loop, dict)  # still a config
    assert Path(alone.work_dir, 'per_class_val.csv').is_file()
    assert metrics['acc/num_few'] == CLASSES


def test_wrappers_that_drop_the_seeds_are_remarked_upon(build, capfd):
    inner = build().cfg.train_dataloader.dataset.dataset
    inner.num_classes = CLASSES
    build(
        **{
            'train_dataloader.dataset': dict(
                type='ClassBalancedDataset',
                _delete_=True,
                oversample_thr=0.5,
                dataset=inner,
            )
        }
    ).train()
    assert 'ClassBalancedDataset does not hand on' in capfd.readouterr().out


def test_a_checkpoint_of_other_classes_is_refused_at_test(build, tmp_path):
    runner = build()
    runner.train()
    path = f'{runner.work_dir}/epoch_1.pth'
    saved = torch.load(path, weights_only=True)
    saved['meta']['class_counts'].append(9)
    torch.save(saved, path)
    with pytest.raises(ValueError, match='4 classes.*but got 5'):
        build(
            load_from=path,
            **{
                'model.cls_head.loss_cls': dict(
                    type='CrossEntropyLoss', _delete_=True
                )
            },
        ).test()


def test_other_samplers_are_remarked_upon(build, capfd):
    runner = build(
        **{
            'train_dataloader.sampler': dict(
                type='DefaultSampler', shuffle=True
            )
        }
    )
    runner.train()
    assert (
        'DefaultSampler does not hand on the seeds' in capfd.readouterr().out
    )


def test_class_balanced_training(build):
    """The batches that are trained have equally many samples of each class."""
    runner = build(
        **{
            'train_dataloader.sampler': dict(
                type='mmshapmix.ClassBalancedSampler', _delete_=True
            )
        }
    )
    seen = []

    def watch(model, args, kwargs):
        if kwargs['mode'] == 'loss':
            seen.extend(s.gt_label.item() for s in kwargs['data_samples'])

    runner.model.register_forward_pre_hook(watch, with_kwargs=True)
    runner.train()
    counts = np.bincount(seen, minlength=CLASSES)
    assert counts.sum() == 14 and np.ptp(counts) <= 1


def test_reverse_training_reports_its_length(build):
    """Schedules are fixed at the start: all loops have the same length."""
    runner = build(
        **{
            'train_dataloader.sampler': dict(
                type='mmshapmix.ReverseFrequencySampler', _delete_=True
            ),
            'train_cfg.max_epochs': 2,
        }
    )
    seen = []

    def watch(model, args, kwargs):
        if kwargs['mode'] == 'loss':
            seen.extend(s.gt_label.item() for s in kwargs['data_samples'])

    runner.model.register_forward_pre_hook(watch, with_kwargs=True)
    runner.train()
    # With counts 6, 4, 2 and 2, ranks from 2 * (4 // 3) on are raised.
    assert np.bincount(seen).tolist() == [12, 8, 12, 12]
    assert runner.iter == runner.max_iters == 2 * 6
    (rate,) = runner.optim_wrapper.get_lr()['lr']
    last = (1 + np.cos(np.pi * 11 / 12)) / 2
    assert rate == pytest.approx(0.1 / 32 * 4 * last)
