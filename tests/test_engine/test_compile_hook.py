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


def trained(build, **options):
    """A runner after two epochs, with an average of its weights."""
    average = dict(type='EMAHook')
    runner = build(
        **{'train_cfg.max_epochs': 2, 'custom_hooks': [average], **options}
    )
    runner.train()
    path = f'{runner.work_dir}/epoch_2.pth'
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
    """Weights, their average, and the table of saliency; to the last bit."""
    _, plain = trained(build, leaf=leaf, **options)
    runner, compiled = trained(
        build, leaf=leaf, **options, **COMPILE, **EAGER
    )
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
def test_a_run_resumes_with_and_without_it(build):
    """With machine code; the losses are those of a plain training nearly."""
    plain, _ = trained(build, leaf='shapmix', **GUIDED)
    path = f'{plain.work_dir}/epoch_1.pth'
    resumed, _ = trained(
        build,
        leaf='shapmix',
        **GUIDED,
        **COMPILE,
        resume=True,
        load_from=path,
    )
    for name, value in plain.model.named_parameters():
        other = resumed.model.get_parameter(name)
        torch.testing.assert_close(other, value, rtol=1e-3, atol=1e-3)
