"""Checkpoints and dumps contain their words; tools refuse mistakes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mmshapmix.analysis.fusion import Fusion, fusion_rows
from mmshapmix.analysis.scores import read_scores, read_streams
from mmshapmix.words import data_names

from ..running import SMALL, call_tool, mmaction_tool, run, user_folder

CONFIG = """
_base_ = __import__('mmshapmix').method(METHOD)
train_dataloader = dict(
    batch_size=32, num_workers=0, persistent_workers=False,
    dataset=dict(times=1, dataset=dict(
        long_tail=dict(max_per_class=12, imbalance_ratio=6))))
"""
CONFIG += (
    SMALL
    + """
train_cfg = dict(max_epochs=1)
"""
)
OTHER_STREAM = "checkpoint of stream 'b', but .*epoch_1.pth is of stream 'j'"
OTHER_DATA = (
    r"checkpoint of data 'mine \(synthetic.pkl\)', but .* is of data "
    "'synthetic-lt'"
)
WORDS = dict(
    method='ce',
    data='synthetic-lt',
    stream='j',
    backbone='stgcnpp',
    recipe='baseline',
)


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A user's folder, in which each of two streams is trained."""
    with user_folder(tmp_path_factory.mktemp('words')) as root:
        for method in ('baseline/ce.py', 'benchmark/crt.py'):
            text = CONFIG.replace('METHOD', repr(method))
            Path(method.rpartition('/')[2]).write_text(text)
        source = Path(__file__).parents[2] / 'configs/_base_/data'
        text = (source / 'synthetic-lt.py').read_text()
        assert 'synthetic-lt' in data_names()
        Path('mine.py').write_text(text)
        for stream in 'jb':
            tool('train.py', 'ce.py', work=stream, stream=stream)
        yield root


def tool(name, *args, work, stream='j', data='synthetic-lt'):
    words = (f'--stream={stream}', f'--data={data}')
    done = call_tool(name, *args, *words, f'--work-dir={work}')
    assert done is None, done


def refused(message, *args, **words):
    with pytest.raises(AssertionError, match=message):
        tool(*args, work='refused', **words)


def checkpoint(stream='j'):
    return f'{stream}/epoch_1.pth'


def dump(name, *args, **words):
    path = f'{name}.pkl'
    tool(
        *('test.py', 'ce.py', checkpoint(words.get('stream', 'j'))),
        *('--dump', path, *args),
        work='test',
        **words,
    )
    return path


def test_a_checkpoint_knows_its_words():
    meta = torch.load(checkpoint(), weights_only=True)['meta']
    layout = meta['words'].pop('layout')
    assert meta['words'] == WORDS and isinstance(layout, str)


@pytest.mark.parametrize(
    ('words', 'message'),
    [(dict(stream='b'), OTHER_STREAM), (dict(data='mine.py'), OTHER_DATA)],
)
@pytest.mark.parametrize('name', ['test.py', 'train.py', 'resume'])
def test_another_stream_or_data_set_is_refused(name, words, message):
    args = {
        'test.py': ('test.py', 'ce.py', checkpoint()),
        'train.py': ('train.py', 'ce.py', '--load-from', checkpoint()),
        'resume': ('train.py', 'ce.py', '--resume', checkpoint()),
    }[name]
    refused(message, *args, **words)


@pytest.mark.parametrize(
    'wish',
    [
        ['--any-checkpoint'],
        ['--cfg-options', 'default_hooks.words.any_checkpoint=True'],
    ],
)
def test_an_explicit_wish_overrides_it(wish, tmp_path):
    tool('test.py', 'ce.py', checkpoint(), *wish, work=tmp_path, stream='b')
    start = ('train.py', 'ce.py', '--load-from', checkpoint())
    tool(*start, *wish, work=tmp_path / 'x', data='mine.py')
    meta = torch.load(tmp_path / 'x/epoch_1.pth', weights_only=True)['meta']
    assert meta['words']['data'] == 'mine (synthetic.pkl)'


def test_another_layout_is_refused(tmp_path):
    content = torch.load(checkpoint(), weights_only=True)
    content['meta']['words']['layout'] = 'coco'
    torch.save(content, tmp_path / 'x.pth')
    message = "of layout 'nturgb.d', but .*x.pth is of layout 'coco'"
    refused(message, 'test.py', 'ce.py', tmp_path / 'x.pth')


@pytest.mark.slow
def test_mmaction2s_own_tool_refuses_it_and_takes_the_wish(monkeypatch):
    monkeypatch.setenv('MMSHAPMIX_DATA', 'synthetic-lt.py')
    monkeypatch.setenv('MMSHAPMIX_STREAM', 'b')
    command = (*mmaction_tool('test.py'), 'ce.py', checkpoint())
    with pytest.raises(AssertionError, match=OTHER_STREAM):
        run(*command)
    wish = 'default_hooks.words.any_checkpoint=True'
    assert 'acc/top1' in run(*command, '--cfg-options', wish)


def test_a_checkpoint_without_words_is_taken(tmp_path):
    content = torch.load(checkpoint(), weights_only=True)
    del content['meta']['words']
    torch.save(content, tmp_path / 'old.pth')
    tool(
        *('test.py', 'ce.py', tmp_path / 'old.pth'),
        work=tmp_path / 'work',
        stream='b',
    )


def test_a_second_stage_starts_from_another_method(tmp_path):
    tool('train.py', 'crt.py', '--load-from', checkpoint(), work=tmp_path)
    meta = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['meta']
    assert (meta['words']['method'], meta['words']['recipe']) == ('crt', 'brl')


def test_a_data_file_may_be_moved(tmp_path):
    moved = tmp_path / 'mine.py'
    moved.write_text(Path('mine.py').read_text())
    tool('train.py', 'ce.py', work=tmp_path / 'x', data='mine.py')
    tool(
        *('test.py', 'ce.py', tmp_path / 'x/epoch_1.pth'),
        work=tmp_path / 'y',
        data=moved,
    )


def fuse(*args):
    return call_tool('analysis/fuse_streams.py', *args)


def test_dumps_of_the_same_stream_or_other_data_are_not_fused(capsys):
    j, b = dump('j'), dump('b', stream='b')
    other = dump('other', '--any-checkpoint', stream='b', data='mine.py')
    assert read_scores(j).words.items() >= WORDS.items()
    assert fuse(f'j={j}', f'b={b}', '--save', 'both.pkl') is None
    both = read_scores('both.pkl').words
    assert (both['stream'], both['data']) == ('j+b', 'synthetic-lt')
    assert 'baseline' in capsys.readouterr().out
    cases = (
        (j, 'other', j, "'j' from both j.pkl and j.pkl"),
        (j, 'b', j, "stream 'b', but j.pkl has those of stream 'j'"),
        (j, 'b', other, "'synthetic-lt' from j.pkl and data 'mine (synth"),
    )
    for first, name, second, message in cases:
        args = (f'j={first}', f'{name}={second}')
        assert message in str(fuse(*args))
        assert fuse(*args, '--any-scores') is None


def test_the_recipe_is_that_of_the_training(tmp_path):
    path = tmp_path / 'x.pkl'
    tool(
        *('test.py', 'ce.py', checkpoint(), '--recipe=brl', '--dump', path),
        work=tmp_path / 'x',
    )
    assert read_scores(path).words['recipe'] == 'baseline'


def test_rows_of_streams_and_fusions_say_the_recipe():
    streams = read_streams(dict(j=dump('row_j'), b=dump('row_b', stream='b')))
    both = dict(equal=Fusion(dict(j=1, b=1), 'scores'))
    rows = fusion_rows(streams, both)
    assert [row['recipe'] for row in rows] == ['baseline'] * 3
    words = dict(streams['b'].words, recipe='brl')
    streams['b'] = replace(streams['b'], words=words)
    rows = fusion_rows(streams, both)
    found = [row['recipe'] for row in rows]
    assert found == ['baseline', 'brl', 'baseline, brl']
