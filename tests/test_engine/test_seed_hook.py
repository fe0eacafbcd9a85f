"""Random draws of a step in a real Runner; see also test_saliency_hook.py."""

import pytest
import torch
from mmengine.hooks import Hook

from mmshapmix.engine.models import mixer_of
from mmshapmix.models.losses import equalization_loss

EQUALIZATION = {
    'model.cls_head.loss_cls': dict(
        type='mmshapmix.EqualizationLoss',
        drop_prob=0.5,
        tail_share=0.2,  # the last two of the counts 6, 4, 2 and 2
        _delete_=True,
    )
}


@pytest.fixture
def drawn(monkeypatch):
    """Train, and return what EqualizationLoss has kept in each step."""
    kept = []

    def spy(*args):
        kept.append(equalization_loss_draw(*args))
        return kept[-1]

    equalization_loss_draw = equalization_loss.sample_kept
    monkeypatch.setattr(equalization_loss, 'sample_kept', spy)

    def train(runner):
        kept.clear()
        runner.train()
        return list(kept)

    return train


def test_what_is_dropped_depends_on_seed_and_iteration(build, drawn):
    epochs = {'train_cfg.max_epochs': 2}
    runner = build(**EQUALIZATION, **epochs)
    whole = drawn(runner)
    assert len(whole) == 8
    resumed = build(
        **EQUALIZATION,
        **epochs,
        resume=True,
        load_from=f'{runner.work_dir}/epoch_1.pth',
    )
    again, rest, other = (
        drawn(build(**EQUALIZATION, **epochs)),
        drawn(resumed),
        drawn(build(**EQUALIZATION, **epochs, randomness=dict(seed=1))),
    )
    assert all(map(torch.equal, whole, again))
    assert len(rest) == 4 and all(map(torch.equal, whole[4:], rest))
    assert not any(map(torch.equal, whole, other))
    # The last batch of an epoch is smaller.
    assert not any(map(torch.equal, whole[:2], whole[1:3]))
    for kept in whole:
        assert kept[:, :2].all() and not kept[:, 2:].all()


def test_mixer_and_loss_have_streams_of_their_own(build):
    """The mixer has the first stream, so that published draws stay."""
    runner = build(leaf='stmix', **EQUALIZATION)
    seeds = []

    class Seeds(Hook):
        def after_train_iter(self, runner, *args, **kwargs):
            model = runner.model
            seeds.append(mixer_of(model).step_seed)
            seeds.append(model.cls_head.loss_cls.step_seed)

    runner.register_hook(Seeds())
    runner.train()
    assert seeds == [
        (0, 0, step, stream)
        for step in range(len(seeds) // 2)
        for stream in (0, 2)
    ]
    assert len(seeds) >= 8
