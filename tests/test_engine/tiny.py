"""The smallest training that MMEngine runs, for hooks of any config."""

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

SAMPLES = 8


class Tiny(BaseModel):
    """A regression whose loss a test can set."""

    def __init__(self, loss=None):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(2, 1)
        self.extra = loss or (lambda: 0.0)

    def forward(self, x, y, mode='tensor'):
        difference = (self.linear(x) - y).square().mean()
        if mode == 'loss':
            extra = self.linear.weight.sum() * 0 + self.extra()
            return dict(loss_main=difference, loss_extra=extra)
        return [difference]


class Metric(BaseMetric):
    """Returns given values, one after another, then the error of the fit."""

    def __init__(self, values):
        super().__init__()
        self.values = iter(values)

    def process(self, data_batch, data_samples):
        self.results += map(float, data_samples)

    def compute_metrics(self, results):
        return dict(acc=next(self.values, -sum(results)))


class Spy(Hook):
    """Records events in order; each step with its learning rates."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.seen = []
        self.rates = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.seen.append(f'train {runner.epoch + 1}')
        groups = runner.optim_wrapper.optimizer.param_groups
        self.rates[runner.iter] = [
            (group['lr'], group['momentum']) for group in groups
        ]

    def before_val(self, runner):
        self.seen.append(f'validate {runner.epoch}')


def tiny_runner(
    work_dir, epochs=3, batch=2, loss=None, values=(), validate=True, **cfg
):
    """A runner, with a spy as ``runner.spy``."""
    torch.manual_seed(1)
    x = torch.rand(SAMPLES, 2)
    data = [dict(x=one, y=one.sum()) for one in x]
    loader = dict(
        dataset=data,
        batch_size=batch,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
    )
    given = dict(
        work_dir=str(work_dir),
        experiment_name=f'{work_dir}_{torch.rand(1).item()}_{id(data)}',
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=0.01, momentum=0.9),
            type='OptimWrapper',
        ),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        randomness=dict(seed=0),
        log_level='WARNING',
    )
    given |= cfg
    validation = (
        dict(
            val_cfg=dict(),
            val_dataloader=loader,
            val_evaluator=Evaluator(Metric(values)),
        )
        if validate
        else {}
    )
    runner = Runner(
        model=Tiny(loss),
        train_dataloader=loader,
        **validation,
        **given,
        cfg=Config(dict(tiny=True)),
    )
    runner.spy = Spy()
    runner.register_hook(runner.spy)
    return runner
