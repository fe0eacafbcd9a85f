"""Rates of a resumed training, against one with these settings throughout."""

import pytest
import torch

from mmshapmix.models.losses import DeferredLoss

from .tiny import SAMPLES, tiny_runner

WARM_UP = dict(
    type='LinearLR', start_factor=0.1, begin=0, end=6, by_epoch=False
)
COSINE = dict(
    type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True
)
SCHEDULES = dict(
    none=None,
    cosine=COSINE,
    cosine_by_epoch=dict(type='CosineAnnealingLR', eta_min=1e-3),
    steps=[WARM_UP, dict(type='MultiStepLR', milestones=[1, 3, 4])],
    warm_up_and_cosine=[WARM_UP, dict(COSINE, begin=1)],
    poly=dict(type='PolyLR', power=2, by_epoch=False),
    one_cycle=dict(
        type='OneCycleLR',
        eta_max=0.3,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    momentum=[
        COSINE,
        dict(type='CosineAnnealingMomentum', eta_min=0.5, by_epoch=False),
    ],
    restarts=dict(
        type='CosineRestartLR',
        periods=[2, 2, 2, 2],
        restart_weights=[1, 0.5, 0.5, 0.1],
        eta_min=0,
    ),
)


def train(folder, schedule, **options):
    """Learning rates of all trained iterations."""
    runner = tiny_runner(
        folder, validate=False, param_scheduler=schedule, **options
    )
    runner.train()
    return runner.spy.rates


@pytest.mark.parametrize('epochs', [3, 6])
@pytest.mark.parametrize('name', SCHEDULES)
def test_more_epochs_or_fewer_follow_the_new_schedule(tmp_path, name, epochs):
    """The training of 4 epochs is resumed after the second."""
    schedule = SCHEDULES[name]
    train(tmp_path / 'a', schedule, epochs=4)
    path = str(tmp_path / 'a' / 'epoch_2.pth')
    resumed = train(
        tmp_path / 'b', schedule, epochs=epochs, resume=True, load_from=path
    )
    whole = train(tmp_path / 'c', schedule, epochs=epochs)
    assert [*resumed] == [*range(8, 4 * epochs)]
    for iteration, rates in resumed.items():
        assert rates == whole[iteration], iteration


@pytest.mark.parametrize('name', ['cosine', 'steps', 'one_cycle', 'poly'])
def test_other_batches_follow_the_new_schedule(tmp_path, name):
    """An epoch of 4 iterations then has 2; the epoch counts."""
    schedule = SCHEDULES[name]
    train(tmp_path / 'a', schedule, epochs=4)
    path = str(tmp_path / 'a' / 'epoch_2.pth')
    other = dict(batch=SAMPLES // 2, epochs=4)
    resumed = train(
        tmp_path / 'b', schedule, resume=True, load_from=path, **other
    )
    whole = train(tmp_path / 'c', schedule, **other)
    assert [*resumed] == [4, 5, 6, 7]
    assert resumed == {i: whole[i] for i in resumed}


def test_a_changed_config_is_followed(tmp_path):
    """MMEngine would keep the former rate and momentum without a warning."""
    train(tmp_path / 'a', COSINE)
    path = str(tmp_path / 'a' / 'epoch_1.pth')
    changed = dict(
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='SGD', lr=0.5, momentum=0.5),
        )
    )
    resumed = train(
        tmp_path / 'b', COSINE, resume=True, load_from=path, **changed
    )
    whole = train(tmp_path / 'c', COSINE, **changed)
    assert resumed == {i: whole[i] for i in resumed}
    more = [WARM_UP, dict(type='MultiStepLR', milestones=[2])]
    resumed = train(tmp_path / 'd', more, resume=True, load_from=path)
    whole = train(tmp_path / 'e', more)
    assert resumed == {i: whole[i] for i in resumed}


@pytest.mark.parametrize('part', ['save_optimizer', 'save_param_scheduler'])
def test_rates_do_not_need_to_be_in_the_checkpoint(tmp_path, part):
    hook = dict(type='CheckpointHook', interval=1, **{part: False})
    whole = train(tmp_path, COSINE, default_hooks=dict(checkpoint=hook))
    resumed = train(
        tmp_path / 'b',
        COSINE,
        resume=True,
        load_from=str(tmp_path / 'epoch_1.pth'),
    )
    assert resumed == {i: whole[i] for i in resumed}


def test_what_has_not_changed_is_left_as_it_is(tmp_path, monkeypatch):
    """Also a rate that another component has changed."""
    runner = tiny_runner(tmp_path, validate=False, param_scheduler=COSINE)
    runner.train()
    path = tmp_path / 'epoch_1.pth'
    saved = torch.load(path, weights_only=True)
    for group in saved['optimizer']['param_groups']:
        group['lr'] = 0.05
    torch.save(saved, path)
    rates = train(tmp_path / 'b', COSINE, resume=True, load_from=str(path))
    assert rates[4][0][0] == 0.05


def test_a_deferred_rate_comes_at_its_share_of_the_new_length(tmp_path):
    loss = dict(type='mmshapmix.LongTailLoss')

    def rates(folder, epochs, **options):
        hooks = dict(
            checkpoint=dict(type='CheckpointHook', interval=1),
            deferred=dict(
                type='mmshapmix.DeferredLossHook', begin=0.5, lr_factor=0.1
            ),
        )
        runner = tiny_runner(
            folder,
            epochs,
            validate=False,
            param_scheduler=COSINE,
            default_hooks=hooks,
            **options,
        )
        runner.model.deferred = DeferredLoss(late=loss)
        runner.train()
        return runner.spy.rates

    rates(tmp_path / 'a', 4)
    path = str(tmp_path / 'a' / 'epoch_3.pth')  # with a tenth of the rate
    resumed = rates(tmp_path / 'b', 8, resume=True, load_from=path)
    whole = rates(tmp_path / 'c', 8)
    assert resumed == {i: whole[i] for i in resumed}
    assert whole[16][0][0] < 0.2 * whole[15][0][0]


def test_a_length_that_is_over_is_refused(tmp_path):
    train(tmp_path, COSINE)
    with pytest.raises(ValueError, match='max_epochs of at least 3.* got 2'):
        train(tmp_path, COSINE, epochs=2, resume=True)
    assert train(tmp_path, COSINE, resume=True) == {}


def test_a_rate_that_follows_the_metrics_is_not_computed_anew(tmp_path):
    plateau = dict(type='ReduceOnPlateauLR', monitor='acc', rule='greater')

    def run(epochs, **options):
        runner = tiny_runner(
            tmp_path, epochs, param_scheduler=plateau, **options
        )
        runner.train()

    run(2)
    run(2, resume=True)
    with pytest.raises(ValueError, match='follows the metrics'):
        run(4, resume=True)


def test_iterations_count_where_a_loop_counts_these(tmp_path):
    loop = dict(by_epoch=False, max_iters=6, val_interval=100)
    checkpoint = dict(type='CheckpointHook', interval=3, by_epoch=False)
    hooks = dict(default_hooks=dict(checkpoint=checkpoint))
    schedule = dict(type='CosineAnnealingLR', by_epoch=False)
    train(tmp_path / 'a', schedule, train_cfg=loop, **hooks)
    longer = dict(loop, max_iters=12)
    resumed = train(
        tmp_path / 'b',
        schedule,
        train_cfg=longer,
        resume=True,
        load_from=str(tmp_path / 'a' / 'iter_3.pth'),
        **hooks,
    )
    whole = train(tmp_path / 'c', schedule, train_cfg=longer, **hooks)
    assert [*resumed] == [*range(3, 12)]
    assert resumed == {i: whole[i] for i in resumed}


def test_a_checkpoint_within_an_epoch_begins_it_anew(tmp_path):
    """Saved by iteration in a loop of epochs: 4 iterations of 2 samples."""
    hook = dict(type='CheckpointHook', interval=2, by_epoch=False)
    hooks = dict(default_hooks=dict(checkpoint=hook))
    whole = train(tmp_path, COSINE, **hooks)
    resumed = train(
        tmp_path / 'b',
        COSINE,
        resume=True,
        load_from=str(tmp_path / 'iter_6.pth'),
        **hooks,
    )
    assert resumed == {i: whole[i] for i in range(4, 12)}
