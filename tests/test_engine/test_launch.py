"""Parsing of the text in --cfg-options."""

import argparse
import re

import pytest
from mmengine.config import DictAction

from mmshapmix.engine.launch import add_config_options, option_value


def options_of(*pairs):
    parser = argparse.ArgumentParser()
    add_config_options(parser)
    return parser.parse_args(['--cfg-options', *pairs]).cfg_options


@pytest.mark.parametrize(
    'text',
    [
        *('3', '-1e-3', 'true', 'None', 'xsub_train', 'nturgb+d', '', 'a=b'),
        *('3,5', '[3,5]', '(1,2.5)', '[(1,2),[a,b],c]', 'a,b', '[]', '()'),
        *('"[3,5]"', "'3'", "['a','b']", '[None,true]'),
    ],
)
def test_options_mean_what_they_mean_to_mmengine(text):
    assert option_value(text) == DictAction._parse_iterable(text)


@pytest.mark.parametrize(
    'path',
    [
        'my data/a.pkl',  # MMEngine removes the space
        '/a, b/c [x] (y) ü/d.pkl',
        '-a=b,c/{x}.pkl',
        "it's, so/a.pkl",
        'C:\\new, old\\a.pkl',
        '[x, y]/a.pkl',
        '/unbalanced, [/a.pkl',
    ],
)
def test_quoted_text_is_taken_as_it_is(path):
    for quote in '\'"':
        assert option_value(f'{quote}{path}{quote}') == path
    assert option_value(f'[{path!r}, 1]') == [path, 1]
    assert options_of(f"a.b='{path}'", 'c=1') == {'a.b': path, 'c': 1}
    if ',' not in path:
        assert option_value(path) == path


@pytest.mark.parametrize(
    ('pair', 'message'),
    [
        ('a.b', "expected KEY=VALUE, but got 'a.b'"),
        ('=1', "expected KEY=VALUE, but got '=1'"),
        ('a.b=[1,(2', r'--cfg-options a.b: Imbalanced brackets .* into quot'),
    ],
)
def test_what_is_no_option_ends_the_command(capsys, pair, message):
    with pytest.raises(SystemExit) as error:
        options_of(pair)
    assert error.value.code == 2
    assert re.search(message, capsys.readouterr().err)
