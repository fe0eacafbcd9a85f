"""Mixed precision on a CPU, in a real Runner."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.hooks import Hook

from mmshapmix.engine.amp import AmpOptimWrapper, half_backbone, use_amp

from ..conftest import make_data
from .conftest import CLASSES

if get_device() != 'cpu':
    pytest.skip('what a CPU does', allow_module_level=True)

AMP = {'optim_wrapper.type': 'mmshapmix.AmpOptimWrapper'}
SHAPMIX = 'shapmix'
# Methods with different heads, mixers and estimators.
LEAVES = [
    'ce',  # MMAction2's head and loss
    SHAPMIX,
    'shapmix-values',
    'gradcam',
    'brl',
    *('cb-sigmoid', 'gumbel', 'ldam-drw', 'ib'),
]


class Watch(Hook):
    """Records the dtypes in the backbone and of the head's input."""

    def __init__(self):
        self.dtypes, self.losses = [], []

    def before_train(self, runner):
        model = runner.model
        conv = next(
            m
            for m in model.backbone.modules()
            if isinstance(m, torch.nn.Conv2d)
        )
        conv.register_forward_hook(
            lambda module, args, out: self.dtypes.append(out.dtype)
        )
        fc = model.cls_head.fc
        fc.register_forward_hook(
            lambda module, args, out: self.dtypes.append(out.dtype)
        )

    def after_train_iter(self, runner, batch_idx, data_batch, outputs):
        self.losses.append(outputs['loss'].item())


def train(runner):
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    return watch


@pytest.mark.parametrize('leaf', LEAVES)
def test_only_the_backbone_is_in_half_precision(build, leaf):
    warm = {}
    if leaf in LEAVES[1:4]:
        warm = {'default_hooks.saliency.warmup_epochs': 0}
    plain, half = (
        train(build(leaf=leaf, val_cfg=None, val_dataloader=None,
                    val_evaluator=None, **warm, **options))
        for options in ({}, AMP)
    )  # fmt: skip
    assert {*plain.dtypes} == {torch.float32}
    assert {*half.dtypes} == {torch.bfloat16, torch.float32}
    assert len(half.dtypes) == len(plain.dtypes)
    assert half.losses[0] == pytest.approx(plain.losses[0], rel=0.03)
    assert half.losses != plain.losses


def weights(runner, epoch):
    path = f'{runner.work_dir}/epoch_{epoch}.pth'
    return path, torch.load(path, weights_only=True)['state_dict']


def test_resumed_equals_uninterrupted(build):
    """With accumulated and clipped gradients and averaged weights."""
    options = {
        **AMP,
        'train_cfg.max_epochs': 2,
        'optim_wrapper.accumulative_counts': 2,
        'optim_wrapper.clip_grad': dict(max_norm=1.0),
        'custom_hooks': [dict(type='EMAHook')],
    }
    whole = build(leaf=SHAPMIX, **options)
    whole.train()
    path, _ = weights(whole, 1)
    expected = weights(whole, 2)[1]
    again = build(leaf=SHAPMIX, resume=True, load_from=path, **options)
    again.train()
    for name, value in weights(again, 2)[1].items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize(('one', 'other'), [({}, AMP), (AMP, {})])
def test_a_checkpoint_resumes_with_and_without(build, one, other):
    first = build(**one)
    first.train()
    options = {'train_cfg.max_epochs': 2, 'resume': True, **other}
    second = build(load_from=weights(first, 1)[0], **options)
    second.train()
    assert second.epoch == 2


def test_a_scalers_state_is_left_where_there_is_none(build):
    """A CUDA checkpoint has such a state; loading must not remove it."""
    wrapper = build(**AMP).build_optim_wrapper(
        dict(
            type='mmshapmix.AmpOptimWrapper',
            dtype='float16',
            loss_scale=512.0,
            optimizer=dict(type='SGD', lr=0.1),
        )
    )
    assert isinstance(wrapper, AmpOptimWrapper)
    state = wrapper.state_dict()
    scaled = dict(state, loss_scaler=dict(scale=512.0, growth_factor=2.0))
    kept = copy.deepcopy(scaled)
    wrapper.load_state_dict(scaled)
    assert scaled.keys() == kept.keys()  # MMEngine's wrapper removes it


def test_mmaction2s_metric_measures_in_half_precision(build):
    """The metric needs numpy arrays; the scores are nearly the same."""
    runner = build(
        make_data(CLASSES, 6),
        leaf=LEAVES[0],
        test_evaluator=[dict(type='AccMetric')],
    )
    scores = []
    runner.model.cls_head.register_forward_hook(
        lambda module, args, out: scores.append((out, args[0].dtype))
    )
    plain = runner.test()
    forward = runner.model.backbone.forward
    with half_backbone(runner.model):
        half = runner.test()
    assert runner.model.backbone.forward == forward
    assert half.keys() == plain.keys() and 'acc/top1' in half
    half_way = len(scores) // 2
    for (one, _), (other, dtype) in zip(
        scores[:half_way], scores[half_way:], strict=True
    ):
        assert other.dtype == dtype == torch.float32
        assert not torch.equal(one, other)
        torch.testing.assert_close(one, other, atol=0.05, rtol=0.05)


def test_a_copy_of_the_model_runs_its_own_backbone(build):
    """EMAHook copies the model, within a step or outside of one."""
    model = build().model.eval()
    skeletons = torch.randn(2, 1, 1, 8, 25, 3)
    with half_backbone(model), torch.no_grad():
        twin = copy.deepcopy(model)
        before = twin(skeletons, stage='backbone', mode='tensor')
        for weight in model.backbone.parameters():
            weight.zero_()
        after = twin(skeletons, stage='backbone', mode='tensor')
    assert torch.equal(before, after) and before.abs().sum() > 0


def test_mmengines_wrapper_in_a_config_is_replaced_on_a_cpu():
    kinds = {
        (kind, wanted): 'mmshapmix.AmpOptimWrapper'
        for kind in ('OptimWrapper', 'AmpOptimWrapper')
        for wanted in (True, False)
    }
    kinds['OptimWrapper', False] = 'OptimWrapper'
    for (kind, wanted), expected in kinds.items():
        cfg = Config(dict(optim_wrapper=dict(type=kind)))
        use_amp(cfg, wanted)
        assert cfg.optim_wrapper.type == expected
