"""Post-hoc logit adjustment through ``tools/test.py``."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmshapmix.functional.longtail import long_tail_counts

from ..conftest import make_data
from ..running import call_tool, evaluate, leaf

LEAF = leaf('ce')
CLASSES = 4
CONFIG = f"""
_base_ = {str(LEAF)!r}
data = dict(ann_file='data.pkl', num_classes={CLASSES})
train_dataloader = dict(dataset=dict(dataset=dict(
    long_tail=dict(max_per_class=6, imbalance_ratio=3), **data)))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=data)
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=data)
model = dict(
    backbone=dict(
        base_channels=8, num_stages=2, inflate_stages=[], down_stages=[2]),
    cls_head=dict(num_classes={CLASSES}, in_channels=8))
"""


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """Config, data, and a checkpoint that has only weights."""
    root = tmp_path_factory.mktemp('user')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        Path('data.pkl').write_bytes(pickle.dumps(make_data(CLASSES, 6)))
        Path('config.py').write_text(CONFIG)
        init_default_scope('mmaction')
        model = MODELS.build(Config.fromfile('config.py').model)
        torch.nn.init.normal_(model.cls_head.fc.weight)
        torch.save(dict(state_dict=model.state_dict()), 'stock.pth')
        yield


def scores_of(name, *args):
    dump = f'{name}.pkl'
    output = evaluate('config.py', name, 'stock.pth', '--dump', dump, *args)
    with open(dump, 'rb') as file:
        rows = pickle.load(file)
    scores, logits = (
        torch.stack([row[key] for row in rows])
        for key in ('pred_score', 'pred_logit')
    )
    torch.testing.assert_close(logits.softmax(1), scores)  # adjusted, too
    return scores.numpy(), output


def test_an_unknown_prior_is_measured():
    """The scores are those computed by hand; the default of tau is 1."""
    plain, said = scores_of('plain')
    assert 'logit adjustment' not in said
    counts = long_tail_counts(CLASSES, 6, 3)
    for args, tau in (((), 1), (('2.5',), 2.5)):
        scores, said = scores_of('new', '--logit-adjustment', *args)
        assert f'measured {counts.sum()} samples' in said
        assert f'Post-hoc logit adjustment with tau {tau}' in said
        by_hand = plain / counts**tau  # one clip, with its probabilities
        by_hand /= by_hand.sum(1, keepdims=True)
        np.testing.assert_allclose(scores, by_hand, rtol=1e-4)
        assert np.abs(scores - plain).max() > 0.01


def test_it_goes_with_the_tau_normalised_classifier():
    hook = 'default_hooks.post_hoc.'
    options = [
        f'{hook}type=mmshapmix.PostHocHook',
        f'{hook}correction=tau-norm',
    ]
    plain, _ = scores_of('tau', '--cfg-options', *options)
    scores, _ = scores_of(
        'both', '--logit-adjustment', '--cfg-options', *options
    )
    by_hand = plain / long_tail_counts(CLASSES, 6, 3)
    by_hand /= by_hand.sum(1, keepdims=True)
    np.testing.assert_allclose(scores, by_hand, rtol=1e-4)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['-1'], 'expected a number of at least 0, but got -1'),
        (['nan'], 'expected a number of at least 0, but got nan'),
        (['inf'], 'expected a number of at least 0, but got inf'),
        (['much'], "invalid float value: 'much'"),
        (
            [
                '--cfg-options',
                'default_hooks.mine.type=mmshapmix.PostHocHook',
            ],
            'expected a config without PostHocHook',
        ),
    ],
)
def test_bad_arguments(args, message, capsys):
    command = ('test.py', 'config.py', 'stock.pth', '--logit-adjustment')
    assert call_tool(*command, *args) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('test.py: error: ') and message in last
