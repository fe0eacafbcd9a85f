"""Logits of tested samples with several clips, adjustments, and any head."""

import pickle

import pytest
import torch
from mmengine.registry import init_default_scope

from mmshapmix.engine.hooks import KeepLogitsHook
from mmshapmix.functional.losses import adjust_logits, log_prior

CE = 'ce'
CLIPS = 3


def run_test(build, path, leaf=CE, **options):
    """A runner that has tested on several clips, and its dumped scores."""
    init_default_scope('mmaction')
    runner = build(
        leaf=leaf,
        **{
            'default_hooks.keep_logits': dict(type='mmshapmix.KeepLogitsHook'),
            'test_evaluator': [
                dict(type='mmshapmix.DumpScores', out_file_path=str(path))
            ],
            **options,
        },
    )
    for step in runner.test_dataloader.dataset.pipeline.transforms:
        if hasattr(step, 'num_clips'):
            step.num_clips = CLIPS
    runner.model.cls_head.fc.weight.data *= 3000  # so that clips differ
    runner.test()
    return runner, pickle.loads(path.read_bytes())


@torch.no_grad()
def clips_of(runner):
    """Logits of all clips, ``(N, clips, K)``."""
    model = runner.model.eval()
    batches = [
        model.extract_feat(
            model.data_preprocessor(data)['inputs'], stage='head'
        )[0]
        for data in runner.test_dataloader
    ]
    return torch.cat(batches).unflatten(0, (-1, CLIPS))


def column(rows, key):
    return torch.stack([row[key] for row in rows])


def test_the_logits_of_a_sample_are_the_mean_of_its_clips(build, tmp_path):
    """With MMAction2's head; the probabilities stay the same."""
    runner, rows = run_test(build, tmp_path / 'x.pkl')
    clips = clips_of(runner)
    assert clips.std(1).max() > 0.01
    torch.testing.assert_close(column(rows, 'pred_logit'), clips.mean(1))
    torch.testing.assert_close(
        column(rows, 'pred_score'), clips.softmax(2).mean(1)
    )


def test_they_are_those_that_other_hooks_have_adjusted(build, tmp_path):
    """The order of the hooks in the config does not matter."""
    adjustment = dict(
        type='mmshapmix.PostHocHook', correction='logit-adjustment', tau=2.0
    )
    runner, rows = run_test(
        build, tmp_path / 'x.pkl', custom_hooks=[adjustment]
    )
    (hook,) = (h for h in runner.hooks if hasattr(h, 'tau'))
    prior = log_prior(hook.class_counts)
    expected = adjust_logits(clips_of(runner), prior, -2.0).mean(1)
    torch.testing.assert_close(column(rows, 'pred_logit'), expected)


@pytest.mark.parametrize('average', ['score', 'prob'])
def test_they_do_not_depend_on_how_scores_are_averaged(
    build, tmp_path, average
):
    runner, rows = run_test(
        build, tmp_path / 'x.pkl', **{'model.cls_head.average_clips': average}
    )
    logits = column(rows, 'pred_logit')
    torch.testing.assert_close(logits, clips_of(runner).mean(1))
    same = torch.allclose(column(rows, 'pred_score'), logits)
    assert same == (average == 'score')


class Model(torch.nn.Module):
    """A model whose head returns a dict, as for several streams."""

    def __init__(self):
        super().__init__()
        self.cls_head = torch.nn.Identity()

    def forward(self, scores):
        self.cls_head(scores)
        return [object()]  # an object without fields to set


class Runner:
    model = Model()


def test_a_head_without_logits_has_none():
    hook = KeepLogitsHook()
    hook.before_test(Runner)
    Runner.model(dict(rgb=torch.zeros(1, 2)))
    hook.after_test(Runner)
    assert not Runner.model._forward_hooks
