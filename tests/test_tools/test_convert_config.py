"""``tools/convert/pyskl_config.py``: its results train and are tested."""

import pickle
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from ..pyskl_configs import CLASSES, CONFIGS, write_data
from ..running import call_tool, evaluate, losses_of, train

TOOL = 'convert/pyskl_config.py'
ADDED = 'ema = dict(momentum=0.1)\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A user's folder with PYSKL's configs and data."""
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    Path('pyskl').mkdir()
    for name, text in CONFIGS.items():
        Path(f'pyskl/{name}.py').write_text(text)
    return tmp_path


def test_a_converted_config_trains_and_is_tested_on_several_clips(capsys):
    """With a class drawn twice as often, a warm-up, and on one device."""
    text = CONFIGS['ctrgcn'].replace(
        "split='train', ", "split='train', class_prob=[1, 1, 1, 2]"
    )
    Path('pyskl/weighted.py').write_text(text)
    assert call_tool(TOOL, 'pyskl/weighted.py', 'new.py') in (0, None)
    assert 'unmapped' not in capsys.readouterr().out
    log = train('new.py', 'work', '--auto-scale-lr')
    assert 'batch size of 64 and the current batch size is 8' in log
    assert '40 draws of 16 samples' in log  # two passes
    assert len(losses_of(log)) == 2 and 'acc/mean1' in log
    evaluate('new.py', 'test', 'work/epoch_2.pth', '--dump', 'scores.pkl')
    rows = pickle.loads(Path('scores.pkl').read_bytes())
    assert len(rows) == 4 * CLASSES and {'frame_dir'} <= rows[0].keys()
    for row in rows:
        assert row['pred_score'].sum() == pytest.approx(1)  # probabilities


def test_it_says_what_was_done(capsys):
    assert call_tool(TOOL, 'pyskl/brl.py', 'new/brl.py') in (0, None)
    said = capsys.readouterr()
    lines = said.out.splitlines()
    for line in ('unmapped (2):', '  model.type', '  model.cls_head.type'):
        assert line in lines
    assert 'dropped' in said.out and 'changed' in said.out
    assert '2 keys were NOT mapped' in said.err
    head, text = Path('new/brl.py').read_text().split('\n_base_ = ')
    assert head.startswith('# Converted from pyskl/brl.py')
    assert '#   model.cls_head.type' in head and 'changed' not in head
    assert "type='RandomSwapSides'" not in text and 'RandomSwapSides' in text
    assert Config.fromfile('new/brl.py').default_scope == 'mmaction'


@pytest.mark.parametrize(('added', 'code'), [('', (0, None)), (ADDED, (3,))])
def test_strict_fails_if_something_is_not_mapped(capsys, added, code):
    Path('pyskl/mine.py').write_text(CONFIGS['stgcnpp'] + added)
    assert call_tool(TOOL, 'pyskl/mine.py', 'new.py', '--strict') in code
    assert ('NOT mapped' in capsys.readouterr().err) == bool(added)
    assert ('ema' in Path('new.py').read_text()) == bool(added)


@pytest.mark.parametrize(
    ('args', 'said'),
    [([], 'unmasked'), (['--masked'], 'masked'), (['--unmasked'], 'unmasked')],
)
def test_it_says_whether_joints_of_low_scores_are_hidden(capsys, args, said):
    call_tool(TOOL, 'pyskl/stgcnpp_2d.py', 'new.py', *args)
    assert f'      {said}: joints of low scores' in capsys.readouterr().out
    step = Config.fromfile('new.py').test_pipeline[0]
    assert step.mode == 'fix' and ('threshold' in step) == (said != 'masked')


def test_it_overwrites_only_when_told():
    Path('new.py').write_text('kept = 1')
    said = call_tool(TOOL, 'pyskl/stgcnpp.py', 'new.py')
    assert 'new.py is there already; --force' in said
    assert Path('new.py').read_text() == 'kept = 1'
    call_tool(TOOL, 'pyskl/stgcnpp.py', 'new.py', '--force')
    assert 'RecognizerGCN' in Path('new.py').read_text()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'Expected a config at pyskl/it.py, but there is none'),
        ('model = dict(', 'Python that defines a config, but .* SyntaxError'),
        ('x = y', "reading it ended with NameError: name 'y' is not defined"),
        ('import no_such', 'ended with ModuleNotFoundError: No module named'),
        (
            'raise SystemError("a\\nb")',
            'reading it ended with SystemError: a b$',
        ),
        (
            CONFIGS['stgcnpp'] + "optimizer['lr'] = float('nan')",
            "cannot be read: name 'nan' is not defined",
        ),
        ('import sys; sys.exit(0)', r'ended with .* \(exit status 0\)$'),
        ('import os; os._exit(0)', r'ended with .* \(exit status 0\)$'),
        ('x = 1', 'Expected a PYSKL config'),
        ("_base_ = '../new.py'", 'as those of MMAction2 1.x'),
    ],
)
def test_what_is_no_pyskl_config_is_refused(text, message):
    call_tool(TOOL, 'pyskl/stgcnpp.py', 'new.py')
    if text:
        Path('pyskl/it.py').write_text(text)
    said = call_tool(TOOL, 'pyskl/it.py', 'other.py')
    assert re.search(message, said) and '\n' not in said
    assert not Path('other.py').exists()
