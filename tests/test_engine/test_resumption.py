"""Checkpoints from which a Runner resumes, and refusals."""

import pytest
import torch
from torch import nn

from .test_published_checkpoint_hook import MISFITS


@pytest.fixture(scope='module')
def made():
    """Runners that are built once, since building is slow."""
    return {}


@pytest.fixture
def runner(build, made):
    """A runner that has trained one of two epochs."""
    if not made:
        runner = build()
        runner.train()
        runner._train_loop._max_epochs = 2
        path = f'{runner.work_dir}/epoch_1.pth'
        made.update(runner=runner, path=path)
    return made['runner']


@pytest.fixture
def saved(runner, made):
    """Checkpoint of the training."""
    return torch.load(made['path'], weights_only=True)


@pytest.fixture
def resume(runner, tmp_path):
    """Resume from a checkpoint, and stop before the first iteration."""

    def resume_from(checkpoint):
        path = tmp_path / 'x.pth'
        torch.save(checkpoint, path)
        runner._load_from, runner._resume = str(path), True
        runner._has_loaded = False
        runner.load_or_resume()

    return resume_from


def test_the_whole_state_is_taken_over(runner, saved, resume):
    for parameter in runner.model.parameters():
        torch.nn.init.ones_(parameter)
    resume(saved)
    assert (runner.epoch, runner.iter) == (1, saved['meta']['iter'])
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, saved['state_dict'][name]), name
    states = runner.optim_wrapper.state_dict()['state']
    for key, state in saved['optimizer']['state'].items():
        momentum = states[key]['momentum_buffer']
        assert torch.equal(momentum, state['momentum_buffer'])


OTHER = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1).state_dict()


def momentum(value):
    def change(saved):
        for state in saved['optimizer']['state'].values():
            state['momentum_buffer'] = value

    return change


REFUSED = {
    'far': (lambda c: c['meta'].update(epoch=10**9), 'of epoch 2 at most'),
    **{
        f'{name} {value!r}': (
            lambda c, name=name, value=value: c['meta'].update({name: value}),
            rf"meta\['{name}'\] of .*x.pth",
        )
        for name, value in (
            *(('epoch', v) for v in (-1, 'a', None, 1.5, True, [1])),
            *(('iter', v) for v in (-1, None, 10**18)),
            *(('seed', v) for v in ('a', -1, 10**30)),
        )
    },
    'no epoch': (lambda c: c['meta'].pop('epoch'), r"meta\['epoch'\]"),
    'meta': (lambda c: c.update(meta=None), "'meta' of .*x.pth"),
    **{
        f'hub {i}': (lambda c, hub=hub: c.update(message_hub=hub), 'state of')
        for i, hub in enumerate((None, [1], {}, 'a', dict(log_scalars=1)))
    },
    **{
        f'optimizer {i}': (lambda c, o=o: c.update(optimizer=o), 'state of')
        for i, o in enumerate((None, [1], {}, OTHER))
    },
    'rate': (
        lambda c: c['optimizer']['param_groups'][0].update(lr=float('nan')),
        'of learning rate nan',
    ),
    'other options': (
        lambda c: c['optimizer']['param_groups'][0].pop('momentum'),
        r"SGD without \['momentum'\]",
    ),
    **{
        f'schedulers {i}': (lambda c, s=s: c.update(param_schedulers=s), 'of')
        for i, s in enumerate((None, [1], 'a', [dict(last_step='a')]))
    },
    'best score': (
        lambda c: c['message_hub']['runtime_info'].update(best_score='a'),
        'a best_score that is no number',
    ),
    'momentum': (momentum(torch.ones(3)), 'momentum_buffer of shape'),
    'no momentum': (momentum(3), 'state of this training in .*x.pth'),
    'average': (
        lambda c: c.update(ema_state_dict={'steps': torch.ones(1)}),
        r'missing: \d+',
    ),
}


@pytest.mark.parametrize('name', REFUSED)
def test_damaged_and_foreign_states_are_refused(saved, resume, name):
    change, message = REFUSED[name]
    change(saved)
    with pytest.raises(ValueError, match=message) as error:
        resume(saved)
    assert '\n' not in str(error.value) and 'x.pth' in str(error.value)


@pytest.mark.parametrize('name', ['no head', 'another shape', 'a prefix'])
def test_another_model_is_not_resumed(runner, saved, resume, name):
    """Even another head is refused, since it is another training."""
    hook = next(h for h in runner.hooks if hasattr(h, 'partial'))
    hook.partial = True
    saved['state_dict'] = MISFITS[name][0](runner.model)['state_dict']
    with pytest.raises(ValueError, match=r'x\.pth has others'):
        resume(saved)
