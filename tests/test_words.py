"""Words from arguments, from a config, and from the environment."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from mmengine.config import Config

import mmshapmix
from mmshapmix.engine.launch import config_of
from mmshapmix.words import data_names, method_files, spoken

MINE = """
data = dict(ann_file='mine.pkl', train=dict(split='a'), val=dict(split='b'),
            num_classes=3, layout='coco')
"""


@pytest.fixture(autouse=True)
def silence(monkeypatch):
    for word in ('DATA', 'STREAM', 'BACKBONE', 'RECIPE'):
        monkeypatch.delenv(f'MMSHAPMIX_{word}', raising=False)


def said(path, *args):
    """Words that a tool reads."""
    return config_of(path, [*map(str, args)])


def test_arguments_complete_a_method(tmp_path):
    mine = tmp_path / 'my data.py'
    mine.write_text(MINE)
    before = dict(os.environ)
    before.setdefault('LOCAL_RANK', '0')
    shapmix = method_files()['shapmix']
    cfg = said(shapmix, '--data', mine, '--stream', 'bm', '--recipe', 'brl')
    assert cfg.words == dict(
        method='shapmix',
        data='my data',
        stream='bm',
        backbone='stgcnpp',
        recipe='brl',
    )
    assert cfg.work_dir == 'work_dirs/brl/stgcnpp_shapmix_bm_my data'
    assert cfg.train_dataloader.dataset.dataset.ann_file == 'mine.pkl'
    assert dict(os.environ) == before
    assert said(shapmix).words.data == 'ntu60-xsub-lt-3d'


def test_the_environment_completes_it_for_other_tools(monkeypatch):
    monkeypatch.setenv('MMSHAPMIX_DATA', 'sbu.py')
    monkeypatch.setenv('MMSHAPMIX_BACKBONE', 'msg3d')
    cfg = Config.fromfile(method_files()['brl'])
    assert (cfg.words.data, cfg.words.recipe) == ('sbu', 'brl')
    assert cfg.model.backbone.type == 'mmshapmix.MSG3D'
    # An argument takes precedence.
    cfg = said(method_files()['brl'], '--data', 'penn-action')
    assert (cfg.words.data, cfg.words.backbone) == ('penn-action', 'msg3d')


def test_a_config_says_its_own_words(tmp_path):
    (tmp_path / 'mine.py').write_text(MINE)
    child = tmp_path / 'child.py'
    child.write_text(
        "_base_ = __import__('mmshapmix').method(\n"
        "    'brl/rpm.py', data='{{fileDirname}}/mine.py', stream='k')\n"
        'train_cfg = dict(max_epochs=7)\n'
    )
    cfg = said(child, '--backbone', 'ctrgcn')
    assert cfg.words == dict(
        method='rpm', data='mine', stream='k', backbone='ctrgcn', recipe='brl'
    )
    assert cfg.train_cfg.max_epochs == 7
    assert cfg.work_dir == 'work_dirs/child_ctrgcn'
    assert said(child).work_dir == 'work_dirs/child'
    # Other configs do not see these words.
    assert Config.fromfile(method_files()['rpm']).words.stream == 'j'
    with pytest.raises(ValueError, match="'k', which the config says, but"):
        said(child, '--stream', 'j')
    assert said(child, '--stream', 'k').words.stream == 'k'
    assert not [name for name in os.environ if name.startswith('MMSHAPMIX')]


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (dict(data='nowhere'), "a data file, or one of .*'sbu'.* 'nowhere'"),
        (dict(data='nowhere.py'), "a data file, or one of .* 'nowhere.py'"),
        (dict(stream='joint'), "`stream` of .*'j'.* but got 'joint'"),
        (dict(backbone='gcn'), "`backbone` of .* but got 'gcn'"),
        (dict(recipe='mine'), "`recipe` of .* but got 'mine'"),
        (dict(methods='x'), "words of .*'data'.* but got 'methods'"),
    ],
)
def test_what_is_no_word_is_refused(words, message):
    with pytest.raises(ValueError, match=message), spoken(**words):
        pass
    with pytest.raises(ValueError, match=message):
        mmshapmix.method('brl/brl.py', **words)
    with pytest.raises(FileNotFoundError, match='a config of ours at .*no.py'):
        mmshapmix.method('brl/no.py')


def test_threads_do_not_hear_each_other():
    def read(stream):
        with spoken(stream=stream):
            return Config.fromfile(method_files()['brl']).words.stream

    streams = ['j', 'b', 'k'] * 6
    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(read, streams)] == streams


def test_a_config_that_reads_no_words_is_given_none(tmp_path):
    (tmp_path / 'stock.py').write_text('model = dict()\n')
    with pytest.raises(ValueError, match=r'a config that reads data, .*stock'):
        said(tmp_path / 'stock.py', '--data', 'sbu')


def test_names_are_those_of_files():
    assert 'chosen' not in data_names() and 'sbu' in data_names()
    for name, path in method_files().items():
        text = path.read_text()
        assert re.search(rf"^words = dict\(method='{name}'\)$", text, re.M)
