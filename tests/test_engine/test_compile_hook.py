"""A compiled backbone trains as a plain one, and is saved like it."""

import pytest
import torch

COMPILE = {'default_hooks.compile': dict(type='mmshapmix.CompileHook')}
# Graphs are made and run, but no machine code is generated.
EAGER = {'default_hooks.compile.backend': 'eager'}
AMP = {'optim_wrapper.type': 'mmshapmix.AmpOptimWrapper'}
GUIDED = {'default_hooks.saliency.warmup_epochs': 0}


@pytest.fixture(autouse=True)
def nothing_compiled():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def trained(build, epochs=1, **options):
    """A runner after training, with averaged weights, and its checkpoint."""
    average = dict(type='EMAHook')
    options['train_cfg.max_epochs'] = epochs
    runner = build(**{'custom_hooks': [average], **options})
    runner.train()
    path = f'{runner.work_dir}/epoch_{epochs}.pth'
    return runner, torch.load(path, weights_only=True)


@pytest.mark.parametrize(
    ('leaf', 'options'),
    [
        ('ce', {}),
        ('shapmix', GUIDED),
        ('gradcam', GUIDED),
        ('shapmix-values', {**GUIDED, **AMP}),
    ],
)
def test_the_checkpoint_is_that_of_a_plain_training(build, leaf, options):
    """Weights, averaged weights and the saliency table agree to the bit."""
    _, plain = trained(build, leaf=leaf, **options)
    runner, compiled = trained(build, leaf=leaf, **options, **COMPILE, **EAGER)
    for part in ('state_dict', 'ema_state_dict'):
        assert plain[part].keys() == compiled[part].keys()
        for name, value in plain[part].items():
            assert torch.equal(value, compiled[part][name]), name
    assert 'forward' not in vars(runner.model.backbone)


def test_the_backbone_is_compiled_at_all(build, monkeypatch):
    compiled = []

    def compile_it(function, **options):
        compiled.append((function, options))
        return function

    monkeypatch.setattr(torch, 'compile', compile_it)
    runner, _ = trained(build, leaf='ce', **COMPILE, **EAGER)
    forward = type(runner.model.backbone).forward
    assert compiled == [(forward, dict(backend='eager'))]


@pytest.mark.slow
def test_a_plain_run_is_resumed_with_it(build):
    """With machine code, the weights are nearly those of a plain training."""
    plain, _ = trained(build, 2, leaf='ce')
    path = f'{plain.work_dir}/epoch_1.pth'
    start = dict(resume=True, load_from=path)
    resumed, _ = trained(build, 2, leaf='ce', **COMPILE, **start)
    for name, value in plain.model.named_parameters():
        other = resumed.model.get_parameter(name)
        torch.testing.assert_close(other, value, rtol=1e-3, atol=1e-3)
