"""MMCV 1.x's learning rates, iteration by iteration, in MMEngine."""

import math

import numpy as np
import pytest
from mmengine.runner import Runner

from ...pyskl_configs import built, notes_of, source, working_folder


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A working folder with the data; MMEngine formats no config."""
    with working_folder(tmp_path_factory.mktemp('pyskl')) as root:
        yield root


def rate_of(settings, epochs, length, base=0.1):
    """The learning rate of each iteration by MMCV 1.x's rules, naively."""
    rates, total = [], epochs * length
    for i in range(total):
        by_epoch = settings.get('by_epoch', True)
        now, last = (i // length, epochs) if by_epoch else (i, total)
        if settings['policy'] == 'CosineAnnealing':
            low = settings.get(
                'min_lr', base * settings.get('min_lr_ratio', 0)
            )
            rate = (
                low + (base - low) * (1 + math.cos(math.pi * now / last)) / 2
            )
        elif isinstance(settings['step'], int):
            rate = base * settings.get('gamma', 0.1) ** (
                now // settings['step']
            )
        else:
            past = sum(now >= step for step in settings['step'])
            rate = base * settings.get('gamma', 0.1) ** past
        warm = settings.get('warmup_iters', 0)
        warm *= length if settings.get('warmup_by_epoch') else 1
        if i < warm:
            ratio = settings.get('warmup_ratio', 0.1)
            if settings['warmup'] == 'linear':
                ratio = 1 - (1 - i / warm) * (1 - ratio)
            rate *= ratio
        rates.append(rate)
    return np.array(rates)


def converted_rates(settings, epochs):
    """What MMEngine makes of it, and the iterations of an epoch."""
    cfg = source('stgcnpp') | dict(lr_config=settings, total_epochs=epochs)
    new = built(cfg)
    new.work_dir = 'work'
    runner = Runner.from_cfg(new)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    length = len(runner.train_loop.dataloader)
    schedulers = runner.build_param_scheduler(runner.param_schedulers)
    rates = []
    for i in range(1, epochs * length + 1):
        rates.append(runner.optim_wrapper.get_lr()['lr'][0])
        for scheduler in schedulers:
            if not (scheduler.by_epoch and i % length):
                scheduler.step()
    return np.array(rates), length


WARM = dict(warmup='linear', warmup_iters=6, warmup_ratio=0.2)


@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
@pytest.mark.parametrize(
    'settings',
    [
        dict(policy='CosineAnnealing', min_lr=0, by_epoch=False),
        dict(policy='CosineAnnealing', min_lr=0.01, by_epoch=False),
        dict(policy='CosineAnnealing', min_lr_ratio=0.02),
        dict(policy='CosineAnnealing', min_lr=0, by_epoch=False, **WARM),
        dict(policy='step', step=[2, 4]),
        dict(policy='step', step=2, gamma=0.5),
        dict(policy='step', step=[5, 13], by_epoch=False),
        dict(policy='step', step=[1, 3], **WARM),
        dict(policy='step', step=[3], warmup='constant', warmup_iters=5),
    ],
    ids=lambda settings: '-'.join(map(str, settings.values())),
)
def test_the_learning_rate_of_each_iteration_is_that_of_mmcv(settings):
    rates, length = converted_rates(settings, epochs=5)
    assert length == 4 and len(rates) == 20
    np.testing.assert_allclose(rates, rate_of(settings, 5, 4), rtol=1e-9)
    notes = notes_of(source('stgcnpp') | dict(lr_config=settings))
    assert not [note for note in notes if 'lr_config' in note.path]


@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
def test_inexact_schedules_are_named_and_nearly_right():
    low = 1e-3
    least = dict(policy='CosineAnnealing', min_lr=low, by_epoch=False, **WARM)
    rates, length = converted_rates(least, epochs=5)
    difference = np.abs(rates - rate_of(least, 5, length))
    assert 0 < difference.max() < low
    by_epoch = dict(
        policy='step',
        step=[4],
        warmup='linear',
        warmup_iters=2,
        warmup_by_epoch=True,
    )
    rates, length = converted_rates(by_epoch, epochs=5)
    expected = rate_of(by_epoch, 5, length)
    sooner = 0.1 * (0.1 + 0.9 * np.arange(8) / 7)
    np.testing.assert_allclose(rates[:8], sooner)
    np.testing.assert_allclose(rates[8:], expected[8:])
    for settings, key in ((least, 'warmup'), (by_epoch, 'warmup_by_epoch')):
        notes = notes_of(source('stgcnpp') | dict(lr_config=settings))
        assert (f'lr_config.{key}', 'changed') in [n[:2] for n in notes]


@pytest.mark.parametrize(
    ('settings', 'keys'),
    [
        (dict(policy='poly', power=2), ['policy', 'power']),
        (dict(policy='step', step=[1], min_lr=1), ['min_lr']),
        (
            dict(policy='fixed', warmup='exp', warmup_iters=3),
            ['warmup', 'warmup_iters'],
        ),
        (dict(policy='fixed', warmup='linear'), ['warmup']),
    ],
)
def test_schedules_that_there_are_not_are_named(settings, keys):
    notes = notes_of(source('stgcnpp') | dict(lr_config=settings))
    named = [n.path for n in notes if n.kind == 'unmapped']
    assert named == [f'lr_config.{key}' for key in keys]
