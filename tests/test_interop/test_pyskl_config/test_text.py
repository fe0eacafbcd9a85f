"""The text of a converted config."""

import pytest

from mmshapmix.interop.pyskl_config import (
    check_text,
    config_text,
    convert_config,
)

from ...pyskl_configs import CONFIGS, read, source


@pytest.mark.parametrize('name', CONFIGS)
def test_the_text_defines_the_config(name):
    config = convert_config(source(name)).config
    text = config_text(config)
    assert read(text) == config
    assert max(map(len, text.splitlines())) <= 79
    for variable in ('train_pipeline', 'val_pipeline', 'ann_file'):
        assert f'={variable},\n' in text and text.count(f'{variable} = ') == 1


def test_all_kinds_of_values_are_written():
    config = dict(
        one=dict(a=(1,), b=(), c={}, d=[None, True, 1.5, 'it\'s "x"']),
        keys={1: 'a', 'b c': [2]},
        words={'lambda': 1, 'None': 2, 'match': dict(a=3)},
        numbers=[*range(60)],
        pairs=[(i, 'a' * 10) for i in range(9)],
    )
    text = config_text(config)
    assert read(text) == config
    check_text(text, config)
    assert max(map(len, text.splitlines())) <= 79
    assert len(text.splitlines()) < 35  # numbers fill their lines


def test_names_stand_for_the_very_object_only():
    shared, same = [1], [1]
    text = config_text(
        dict(num=4, rows=shared, a=dict(num=4, rows=shared, n=4, b=same))
    )
    assert 'a = dict(num=num, rows=rows, n=4, b=[1])' in text


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (float('nan'), "'nan' is not defined"),
        (object(), 'cannot be read: invalid syntax'),
        (range(3), None),
    ],
)
def test_a_text_that_does_not_define_the_config_is_refused(value, message):
    config = dict(a=1, b=dict(c=value))
    text = config_text(config)
    if message is None:
        check_text(text, config)
        config, message = dict(a=1, b=2), r"but \['b'\] would be read"
    with pytest.raises(ValueError, match=message):
        check_text(text, config)
