"""A resumed run first repeats a validation that was interrupted."""

import pytest
import torch
from mmengine.hooks import Hook

from .tiny import tiny_runner


class Dies(Hook):
    """Ends like a process that is killed in the validation of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if runner.epoch == self.epoch:
            raise KeyboardInterrupt


def killed(folder, epoch, **options):
    runner = tiny_runner(folder, **options)
    runner.register_hook(Dies(epoch))
    with pytest.raises(KeyboardInterrupt):
        runner.train()


def seen(folder, **options):
    """Trained and validated epochs, in their order."""
    runner = tiny_runner(folder, resume=True, **options)
    runner.train()
    return list(dict.fromkeys(runner.spy.seen))


BEST = dict(
    default_hooks=dict(
        checkpoint=dict(
            type='CheckpointHook', interval=1, save_best='acc', rule='greater'
        )
    )
)


def test_it_comes_before_the_next_epoch(tmp_path):
    killed(tmp_path, 2, **BEST, values=[0.1])
    assert seen(tmp_path, **BEST, values=[0.5, 0.2]) == [
        'validate 2',
        'train 3',
        'validate 3',
    ]
    assert [p.name for p in tmp_path.glob('best*')] == ['best_acc_epoch_2.pth']
    assert seen(tmp_path, **BEST) == []


def test_that_of_the_last_epoch_is_not_lost(tmp_path):
    killed(tmp_path, 3, **BEST, values=[0.1, 0.2])
    assert seen(tmp_path, **BEST, values=[0.3]) == ['validate 3']
    assert [p.name for p in tmp_path.glob('best*')] == ['best_acc_epoch_3.pth']
    assert seen(tmp_path, **BEST) == []


def test_what_is_validated_is_not_again(tmp_path):
    """Also without a new best result, for which MMEngine saves nothing."""
    tiny_runner(tmp_path, epochs=2, **BEST, values=[0.5, 0.1]).train()
    assert seen(tmp_path, **BEST) == ['train 3', 'validate 3']


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        (dict(val_interval=2), ['train 4', 'validate 4', 'train 5']),
        (dict(val_interval=3), ['validate 3', 'train 4', 'train 5']),
        (dict(val_begin=4), ['train 4', 'validate 4', 'train 5']),
        (
            dict(val_interval=5, dynamic_intervals=[(3, 1)]),
            ['validate 3', 'train 4', 'validate 4', 'train 5'],
        ),
    ],
)
def test_only_where_one_is_due(tmp_path, settings, expected):
    tiny_runner(tmp_path, epochs=3, validate=False).train()
    loop = dict(by_epoch=True, max_epochs=5, **settings)
    assert seen(tmp_path, train_cfg=loop) == [*expected, 'validate 5']


def test_what_it_notes_is_no_metric(tmp_path):
    runner = tiny_runner(tmp_path, epochs=2)
    runner.train()
    log = runner.log_processor.get_log_after_epoch(runner, 1, 'val')
    assert {*log[0]} == {'acc', 'data_time', 'time'}


def test_training_alone_stays_alone(tmp_path):
    tiny_runner(tmp_path, epochs=2, validate=False).train()
    assert seen(tmp_path, validate=False) == ['train 3']


def test_weights_that_are_loaded_are_not_validated_first(tmp_path):
    tiny_runner(tmp_path / 'a', epochs=1, validate=False).train()
    path = str(tmp_path / 'a' / 'epoch_1.pth')
    runner = tiny_runner(tmp_path / 'b', epochs=1, load_from=path)
    runner.train()
    assert runner.spy.seen[0] == 'train 1'


def test_iterations_count_where_a_loop_counts_these(tmp_path):
    options = dict(
        train_cfg=dict(by_epoch=False, max_iters=4, val_interval=2),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)
        ),
    )
    runner = tiny_runner(tmp_path, **options)
    runner.val_loop.run = lambda: 1 / 0  # as if killed
    with pytest.raises(ZeroDivisionError):
        runner.train()
    order = seen(tmp_path, **options)
    assert order == ['validate 0', 'train 1']
    saved = torch.load(tmp_path / 'iter_4.pth', weights_only=True)
    assert saved['message_hub']['runtime_info']['last_validated'] == 4
    assert seen(tmp_path, **options) == []


def test_a_plateau_counts_each_validation_once(tmp_path):
    """The checkpoint contains the changes that a validation has made."""
    options = dict(
        param_scheduler=dict(
            type='ReduceOnPlateauLR', monitor='acc', rule='greater', patience=0
        )
    )
    values = [0.5, 0.4, 0.3, 0.2]
    whole = tiny_runner(tmp_path / 'a', 4, values=values, **options)
    whole.train()
    killed(tmp_path / 'b', 3, epochs=4, values=values, **options)
    rest = tiny_runner(
        tmp_path / 'b', 4, values=values[2:], resume=True, **options
    )
    rest.train()
    assert rest.spy.rates.items() <= whole.spy.rates.items()
    assert len({lr for ((lr, _),) in whole.spy.rates.values()}) == 3
