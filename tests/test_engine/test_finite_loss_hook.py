"""A loss that is not finite ends a training, and no bad weights are saved."""

import math
from types import SimpleNamespace

import pytest
import torch

from mmshapmix.engine.hooks import FiniteLossHook

from .tiny import tiny_runner


def after(steps, value):
    """A loss whose value changes after some steps."""
    passed = iter(range(10**6))
    return lambda: value if next(passed) >= steps else 0.0


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize('validate', [True, False])
def test_it_names_the_iteration_the_loss_and_the_last_good_checkpoint(
    tmp_path, value, validate
):
    runner = tiny_runner(tmp_path, loss=after(9, value), validate=validate)
    with pytest.raises(ValueError) as error:
        runner.train()
    text = str(error.value)
    assert f'loss_extra {value}' in text and 'loss_main' not in text
    assert 'iteration 10, epoch 3' in text
    assert str(tmp_path / 'epoch_2.pth') in text
    assert not (tmp_path / 'epoch_3.pth').exists()
    saved = torch.load(tmp_path / 'epoch_2.pth', weights_only=True)
    assert all(t.isfinite().all() for t in saved['state_dict'].values())


def test_where_none_was_saved_it_says_so(tmp_path):
    with pytest.raises(ValueError, match='iteration 1, .*there is none'):
        tiny_runner(tmp_path, loss=after(0, math.nan)).train()


def test_weights_that_the_last_step_has_spoilt_are_not_saved(tmp_path):
    """The losses of all iterations were finite."""
    runner = tiny_runner(tmp_path, epochs=2)

    def spoil(*args, **kwargs):
        if runner.iter == 7:
            runner.model.linear.bias.data.fill_(math.nan)

    runner.spy.after_train_iter = spoil
    with pytest.raises(ValueError, match='linear.bias is not.*epoch_1.pth'):
        runner.train()
    assert not [*tmp_path.glob('epoch_2*')]


def test_buffers_that_hold_no_weights_may_be_infinite(tmp_path):
    runner = tiny_runner(tmp_path, epochs=1)
    runner.model.register_buffer('log_prior', torch.tensor([-math.inf]))
    runner.train()
    assert (tmp_path / 'epoch_1.pth').is_file()


def test_iterations_count_where_a_loop_counts_these(tmp_path):
    hook = dict(type='CheckpointHook', interval=2, by_epoch=False)
    runner = tiny_runner(
        tmp_path,
        loss=after(3, math.nan),
        train_cfg=dict(by_epoch=False, max_iters=9, val_interval=100),
        default_hooks=dict(checkpoint=hook),
    )
    with pytest.raises(ValueError, match='iteration 4.*iter_2.pth'):
        runner.train()
    assert not (tmp_path / 'iter_4.pth').exists()


@pytest.mark.parametrize('wrong', [3, 4])
def test_a_scaler_may_leave_out_single_steps(wrong):
    """A training ends after as many such steps in a row as the patience."""
    hook = FiniteLossHook(patience=4)
    warned = []
    scaler = SimpleNamespace(is_enabled=lambda: True)
    runner = SimpleNamespace(
        optim_wrapper=SimpleNamespace(loss_scaler=scaler),
        message_hub=SimpleNamespace(log_scalars={}),
        logger=SimpleNamespace(warning=warned.append),
        iter=0,
        epoch=0,
        work_dir='nowhere',
    )

    def step(loss):
        hook.after_train_iter(runner, 0, outputs=dict(loss=torch.tensor(loss)))

    for _ in range(3):
        step(math.inf)
    step(1.0)
    if wrong == 4:
        for _ in range(3):
            step(math.nan)
        with pytest.raises(ValueError, match='loss nan'):
            step(math.nan)
    assert len(warned) == wrong - 2


def test_a_config_may_go_without(tmp_path):
    checkpoint = dict(type='CheckpointHook', interval=-1, save_last=False)
    hooks = dict(finite_loss=None, checkpoint=checkpoint)
    tiny_runner(tmp_path, loss=after(0, math.nan), default_hooks=hooks).train()
