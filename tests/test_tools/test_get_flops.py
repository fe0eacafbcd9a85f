"""Counting parameters and multiply-adds through the tool."""

import csv
from pathlib import Path

from ..running import call_tool, leaf

CTRGCN = leaf('shapmix', data='nw-ucla-lt', backbone='ctrgcn')


def test_configs_beside_one_another(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths = [leaf('ce', data='nw-ucla-lt', recipe='shapmix'), CTRGCN]
    options = ['--num-classes', 20, '--out', 'made/flops']
    assert call_tool('analysis/get_flops.py', *paths, *options) is None
    assert 'CTRGCN' in capsys.readouterr().out
    with Path('made/flops.csv').open() as file:
        ours, theirs = csv.DictReader(file)
    assert (ours['backbone'], theirs['backbone']) == ('STGCN', 'CTRGCN')
    assert (
        ours['M x T x V x C'] == theirs['M x T x V x C'] == '1 x 52 x 20 x 3'
    )
    # 1.46 M with 120 classes, 25 joints and two persons.
    assert theirs['params (M)'] == '1.43'
    assert {ours['classes'], theirs['classes']} == {'20'}


def test_a_shape_that_does_not_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = call_tool('analysis/get_flops.py', CTRGCN, '--shape', 1, 8, 25, 3)
    assert error.startswith('get_flops.py: Expected 60 numbers a frame')
