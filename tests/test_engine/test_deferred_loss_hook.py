"""The switch of a deferred loss in a real Runner."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from mmshapmix.engine.hooks import DeferredLossHook
from mmshapmix.functional.class_weights import action_aware

DEFERRED = {
    'model.cls_head.loss_cls': dict(
        type='mmshapmix.DeferredLoss',
        late=dict(type='mmshapmix.ActionAwareLoss'),
        _delete_=True,
    )
}


def begin_at(begin, **options):
    hook = dict(type='mmshapmix.DeferredLossHook', begin=begin, **options)
    return {'default_hooks.deferred_loss': hook}


class Stages(Hook):
    """Records epoch, stage and late weights of each step."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, *args, **kwargs):
        loss = runner.model.cls_head.loss_cls
        weight = loss.late.class_weight.tolist()
        self.seen.append((runner.epoch, loss.is_late, weight))


def stages_of(runner):
    spy = Stages()
    runner.register_hook(spy)
    runner.train()
    return spy.seen


def test_the_loss_changes_once_and_stays(build, capfd):
    """All epochs of a stage have the same weights, also after resuming."""
    epochs = {'train_cfg.max_epochs': 5}
    runner = build(**DEFERRED, **begin_at(2), **epochs)
    seen = stages_of(runner)
    assert {(epoch, late) for epoch, late, _ in seen} == {
        (0, False),
        (1, False),
        (2, True),
        (3, True),
        (4, True),
    }
    (weight,) = {tuple(weight) for _, _, weight in seen}
    counts = torch.tensor([6, 4, 2, 2])
    torch.testing.assert_close(torch.tensor(weight), action_aware(counts))
    said = capfd.readouterr().out
    assert said.count('ActionAwareLoss, from here on (epoch 3,') == 1
    resumed = build(
        resume=True,
        load_from=f'{runner.work_dir}/epoch_4.pth',
        **DEFERRED,
        **begin_at(2),
        **epochs,
    )
    assert stages_of(resumed) == [row for row in seen if row[0] == 4]
    assert 'from here on' not in capfd.readouterr().out


@pytest.mark.parametrize(
    ('begin', 'epochs', 'loop', 'late'),
    [
        (2 / 3, 3, {}, [8, 9, 10, 11]),  # 4 steps per epoch
        (0.5, 3, {}, [6, 7, 8, 9, 10, 11]),  # within an epoch
        (0.0, 1, {}, [0, 1, 2, 3]),
        (0.6, None, dict(type='IterBasedTrainLoop', max_iters=5), [3, 4]),
        (1, None, dict(type='IterBasedTrainLoop', max_iters=6), [4, 5]),
    ],
)
def test_when_the_loss_changes(build, begin, epochs, loop, late):
    options = {'train_cfg.max_epochs': epochs}
    if loop:
        options = dict(train_cfg=dict(loop, _delete_=True), param_scheduler=[])
        options['default_hooks.checkpoint.by_epoch'] = False
        options['train_cfg']['val_interval'] = 9
    seen = stages_of(build(**DEFERRED, **begin_at(begin), **options))
    assert [i for i, (_, is_late, _) in enumerate(seen) if is_late] == late


def test_the_stages_of_the_published_schedules(vectors):
    """Epochs of the test vector; the first four are in BRL's lists."""
    vector = vectors['drw.schedule']
    epochs = vector['inputs']['epochs']
    begins = dict(
        ldam_drw_200ep=(160, 0.8),
        brl_24ep=(19,),
        kps_official_200ep=(120, 0.6),
        kps_brl_24ep=(16,),
        gumbel_brl_24ep=(20,),
        ride_1based_200ep=(161,),
        ib_200ep=(100, 0.5),
    )
    assert {f'{name}_stage2' for name in begins} == vector['expected'].keys()
    for name, values in begins.items():
        expected = vector['expected'][f'{name}_stage2']
        for begin in values:
            steps = SimpleNamespace(max_iters=1400, train_dataloader=range(7))
            first = DeferredLossHook(begin).first_iteration(steps)
            late = [7 * epoch >= first for epoch in epochs]
            assert late[: len(expected)] == expected


def test_a_deferred_loss_without_its_hook_is_refused(build):
    with pytest.raises(RuntimeError, match='mmshapmix.DeferredLossHook'):
        build(**DEFERRED).train()


def test_the_hook_without_a_deferred_loss_is_refused(build):
    with pytest.raises(ValueError, match='Expected a DeferredLoss'):
        build(**begin_at(1)).train()


def test_a_stage_that_never_begins_is_refused(build):
    with pytest.raises(ValueError, match='got 20, which is iteration 80 of 4'):
        build(**DEFERRED, **begin_at(20)).train()


@pytest.mark.parametrize('begin', [-1, 1.0, 1.5])
def test_bad_beginnings_are_refused(begin):
    with pytest.raises(ValueError, match='`begin` as an epoch.*but got'):
        DeferredLossHook(begin)


class Rates(Hook):
    """Records the base learning rate and the rates of all groups."""

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, *args, **kwargs):
        rates = runner.optim_wrapper.get_lr()
        (base,), (rate,) = rates['base_lr'], set(rates['lr'])
        self.seen.append((base, rate))


def rates_of(runner):
    spy = Rates()
    runner.register_hook(spy)
    runner.train()
    return spy.seen


INFLUENCE = {
    'model.cls_head.type': 'mmshapmix.MixedGCNHead',
    'model.cls_head.pass_features': True,
    'model.cls_head.loss_cls': dict(
        type='mmshapmix.DeferredLoss',
        late=dict(type='mmshapmix.InfluenceBalancedLoss'),
        _delete_=True,
    ),
}


def test_the_learning_rate_falls_once(build, capfd):
    """After the switch the cosine has the factor, also in a resumed run.

    This holds for all parameter groups and for the logged base rate.
    """
    options = {
        'train_cfg.max_epochs': 4,
        'optim_wrapper.paramwise_cfg': dict(bias_decay_mult=0.0),
    }
    plain = rates_of(build(**DEFERRED, **begin_at(2), **options))
    options |= INFLUENCE | begin_at(2, lr_factor=0.01)
    runner = build(**options)
    whole = rates_of(runner)
    factors = np.repeat([1, 0.01], 8)[:, None]  # 4 steps per epoch
    np.testing.assert_allclose(whole, plain * factors, rtol=1e-9)
    assert capfd.readouterr().out.count('Learning rates times 0.01') == 1
    for epoch in (3, 2):
        resumed = build(
            resume=True,
            load_from=f'{runner.work_dir}/epoch_{epoch}.pth',
            **options,
        )
        assert rates_of(resumed) == whole[4 * epoch :]
        for ours, other in zip(
            resumed.model.parameters(), runner.model.parameters(), strict=True
        ):
            assert torch.equal(ours, other)


@pytest.mark.parametrize('factor', [0, -0.1])
def test_bad_factors_of_the_rate_are_refused(factor):
    with pytest.raises(ValueError, match='`lr_factor` above 0, but got'):
        DeferredLossHook(1, lr_factor=factor)
