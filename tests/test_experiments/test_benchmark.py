"""Table files, and means over seeds."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mmshapmix.experiments.benchmark import (
    Benchmark,
    Result,
    read_benchmark,
    readable,
    result_rows,
    run_row,
)

from ..leaves import ROOT

TABLE = """
recipe: brl
seeds: [0, 3]
options: [a=1]
papers: {x: Paper X, y: Paper Y}
methods:
  ce:
    label: Cross-entropy
    paper:
      one: {x: [74.4, 86.4, 69.5, 63.8]}
  crt:
    label: cRT
    after: ce
    options: [b=2]
    paper:
      one: {y: [80.0]}
  post:
    label: Post hoc
    config: sub/post.py
    after: ce
    trains: false
data:
  one: {label: One, file: one.py}
  two: {label: Two, file: one.py, options: [c=3]}
"""


@pytest.fixture
def table(tmp_path):
    """Write a table file with some text replaced, and read it."""

    def read(*replaced):
        path = tmp_path / '{x}, y' / 'table.yml'
        path.parent.mkdir(exist_ok=True)
        path.write_text(TABLE.replace(*replaced) if replaced else TABLE)
        path.with_name('one.py').touch()
        return read_benchmark(path)

    return read


def test_a_table_file(table, tmp_path):
    found = table()
    assert [*found.methods] == ['ce', 'crt', 'post']
    assert (found.seeds, found.options) == ([0, 3], ['a=1'])
    ce, crt, post = found.methods.values()
    assert (ce.after, crt.after, post.after) == (None, 'ce', 'ce')
    assert (ce.trains, crt.trains, post.trains) == (True, True, False)
    assert (crt.options, found.data['two'].options) == (['b=2'], ['c=3'])
    assert found.config('crt') == ROOT / 'configs/benchmark/crt.py'
    assert found.config('post') == tmp_path / '{x}, y/sub/post.py'
    words = dict(stream='j', backbone='stgcnpp', recipe='brl')
    words['data'] = str((tmp_path / '{x}, y/one.py').resolve())
    assert found.words('one') == found.words('two') == words


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('seeds:', 'seed:', r"Expected only \[.*'seeds'.*\] in .*\['seed'\]"),
        ('after: ce\n    o', 'atfer: ce\n    o', r'methods\.crt of .*atfer'),
        ('label: cRT\n', 'trains: true\n', r"methods\.crt of .*'label'"),
        ('after: ce\n    t', 'after: crt2\n    t', r"before it.*'crt2'"),
        ('after: ce\n    o', 'after: post\n    o', r"before it.*'post'"),
        ('after: ce\n    t', 't', r'methods\.post .* no checkpoint'),
        ('[80.0]', '[80.0, 1]', r"for crt of .* got 2 of 'y'"),
        ('y: [80.0]', 'z: [80.0]', r"\['x', 'y'\] .* got 1 of 'z'"),
        ('seeds: [0, 3]', 'seeds: []', '3, 2 and 0'),
        ('recipe: brl', 'recipe: bbn', r"`recipe` of .* got 'bbn'"),
        ('recipe: brl', 'stream: x', r"`stream` of .* got 'x'"),
        ('file: one.py}', 'file: no.py}', r"a data file, or .*no\.py'"),
        ('    config: sub/post.py\n', '', r'`config` of methods\.post'),
        ('config: sub/post.py', 'config: 1', '`config` .* a path.* 1'),
        ('seeds: [0, 3]', 'seeds: 3', '`seeds` .* a list of integers.* 3'),
        ('seeds: [0, 3]', 'seeds: [a]', r"`seeds` .*\['a'\]"),
        ('options: [a=1]', 'options: a=1', "`options` .*KEY=VALUE.* 'a=1'"),
        ('options: [b=2]', 'options: [1]', r'`options` of methods\.crt'),
        ('[80.0]', '80.0', r'`paper` of methods\.crt .* numbers'),
        ('[80.0]', '[a]', r'`paper` of methods\.crt'),
        ('trains: false', 'trains: 0', '`trains` .* true or false'),
        (
            'one: {label: One, file: one.py}',
            'one:',
            r'keys in data\.one of .* None',
        ),
    ],
)
def test_a_bad_table_is_refused(table, old, new, message):
    assert old in TABLE
    with pytest.raises(ValueError, match=message):
        table(old, new)


@pytest.mark.parametrize(
    'name',
    [
        '..',
        '../x',
        'a/b',
        '/etc',
        'a\\b',
        'C:x',
        '',
        ' ',
        '.x',
        'x.',
        'a\nb',
        'a\x00b',
        'a\u202eb',
        'a*',
        '{data}',
    ],
)
@pytest.mark.parametrize('old', ['ce:', 'two:'])
def test_names_are_those_of_folders(table, old, name):
    new = f'{json.dumps(name)}:'
    with pytest.raises(ValueError, match='names that folders can have in'):
        table(old, new)


@pytest.mark.parametrize('name', ['1', '~', 'true', '1.5'])
def test_names_are_text(table, name):
    with pytest.raises(ValueError, match=r'folders .* got \w+(\.\d)?\.$'):
        table('ce:', f'{name}:')


def test_ordinary_names_stay(table):
    found = table('two:', "'NTU 60 (é), x-sub':")
    assert 'NTU 60 (é), x-sub' in found.data


def test_a_table_runs_nothing(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = '!!python/object/apply:os.mkdir [made]'
    with pytest.raises(ValueError, match=r'line 3 of .*table\.yml'):
        table('[0, 3]', call)
    (tmp_path / 'base.py').write_text('import os; os.mkdir("made")')
    with pytest.raises(ValueError, match=r'\.yml files as `_base_`'):
        table('seeds:', '_base_: base.py\nseeds:')
    assert not (tmp_path / 'made').exists()


def test_other_files_are_refused(tmp_path):
    path = tmp_path / 'x.py'
    path.write_text('a = 1')
    with pytest.raises(ValueError, match=r'a \.yml file'):
        read_benchmark(path)


@pytest.fixture
def results():
    def result(method, seed, overall, few=None, data='one'):
        found = dict(overall=overall, few=few) | {'mean-class': overall}
        return Result(method, data, seed, found)

    return [
        result('ce', 0, 0.70, 0.5),
        result('ce', 3, 0.74, 0.3),
        result('ce', 4, 0.75, 0.4),
        result('crt', 0, 0.8),
        Result('crt', 'one', 3, None, 'broken'),
        result('ce', 0, 0.1, data='two'),
    ]


def test_means_and_deviations_over_seeds(table, results):
    ce, crt = result_rows(table(), 'one', results)
    expected = np.mean([0.70, 0.74, 0.75]), np.std([0.70, 0.74, 0.75], ddof=1)
    assert (ce['overall'], ce['overall std']) == pytest.approx(expected)
    assert (ce['few'], ce['few std']) == pytest.approx((0.4, 0.1))
    assert ce['many'] is None and ce['many std'] is None
    assert (ce['method'], ce['seeds']) == ('ce', 3)
    assert (crt['method'], crt['seeds'], crt['overall']) == ('crt', 1, 0.8)
    assert crt['overall std'] is None and crt['few'] is None
    (other,) = result_rows(table(), 'two', results)
    assert other['overall'] == 0.1
    assert [*other] == [*ce] == [*crt]


def test_published_figures_stand_beside_ours(table, results):
    ce, crt = result_rows(table(), 'one', results)
    assert ce['x overall'] == pytest.approx(0.744)
    assert ce['x few'] == pytest.approx(0.638) and ce['y overall'] is None
    assert crt['y overall'] == pytest.approx(0.8) and crt['y many'] is None
    (other,) = result_rows(table(), 'two', results)
    assert other['x overall'] is None


def test_the_table_for_people(table, results):
    """Columns without any values are left out."""
    found = table()
    ce, crt = readable(found, result_rows(found, 'one', results))
    assert ce == {
        'method': 'Cross-entropy',
        'seeds': 3,
        'overall': '73.0 ± 2.6',
        'mean-class': '73.0 ± 2.6',
        'few': '40.0 ± 10.0',
        'Paper X': '74.4 / 86.4 / 69.5 / 63.8',
        'Paper Y': '-',
    }
    assert (crt['overall'], crt['few'], crt['Paper Y']) == (
        '80.0',
        '-',
        '80.0',
    )
    (other,) = readable(found, result_rows(found, 'two', results))
    assert [*other] == ['method', 'seeds', 'overall', 'mean-class']


def test_a_table_that_mixes_recipes_says_so_in_the_row(table, results):
    found = table()

    def told(*names):
        of = zip(results, names, strict=False)
        rows = [replace(result, recipe=name) for result, name in of]
        return result_rows(found, 'one', rows)

    both = told('brl', 'brl', 'brl', 'baseline')
    assert [row['recipe'] for row in both] == ['brl', 'baseline']
    shown = readable(found, both)
    assert [row['recipe'] for row in shown] == ['brl', 'baseline']
    for alike in (told(*['brl'] * 4), told(*[''] * 4)):
        assert 'recipe' not in readable(found, alike)[0]
    (row, _) = readable(found, told('brl', 'baseline', '', 'brl'))
    assert row['recipe'] == 'baseline, brl'


def test_a_method_that_has_only_failed_has_a_row(table):
    found = table()
    failed = Result('ce', 'one', 0, None, 'broken')
    (row,) = result_rows(found, 'one', [failed])
    assert (row['seeds'], row['overall']) == (0, None)
    (shown,) = readable(found, [row])
    assert shown['method'] == 'Cross-entropy'
    assert run_row(failed) == dict.fromkeys(
        ('overall', 'mean-class', 'many', 'medium', 'few')
    ) | dict(data='one', method='ce', recipe='', seed=0, error='broken')


TABLES = sorted((ROOT / 'configs/benchmark').glob('*.yml'))


@pytest.mark.parametrize(
    'path', [p for p in TABLES if p.stem != 'methods'], ids=lambda p: p.stem
)
def test_our_tables_have_their_configs(path):
    table: Benchmark = read_benchmark(path)
    assert all(table.config(method).is_file() for method in table.methods)
    assert [table.words(data)['data'] for data in table.data] == [
        f'{data}.py' for data in table.data
    ]
    assert table.recipe == 'brl'


def test_the_rows_are_the_methods():
    """The table has all methods of configs/benchmark and their baselines."""
    table = read_benchmark(TABLES[0].with_name('full.yml'))
    methods = {p.stem for p in TABLES[0].parent.glob('*.py')}
    compared = {'ce', 'ce-equal', 'balanced-softmax', 'brl'}
    assert {*table.methods} == methods | compared | {
        'stmix',
        'gradcam',
        'shapmix',
    }


# Overall / many / medium / few of NTU60-LT and of NTU120-LT, in the order of
# the papers: Shap-Mix's Table 1, BRL's Table III.
TABLE_1 = """
ce 74.4 86.4 69.5 63.8 64.2 83.6 64.9 54.7
mixup 75.9 86.3 71.7 66.5 66.9 85.6 65.6 55.5
remix-drw 78.7 86.6 74.8 72.7 69.3 83.5 67.2 62.6
brl 76.9 85.2 73.1 70.0 66.3 84.2 65.0 59.9
ros 74.8 86.1 68.1 57.9 61.0 81.3 62.3 50.7
focal 77.6 83.1 75.9 72.0 69.4 81.7 66.7 65.2
cb 72.4 78.4 71.2 65.3 63.2 76.0 65.0 56.1
ldam-drw 76.4 83.7 73.4 69.9 66.8 80.9 65.8 61.2
balanced-softmax 77.6 83.8 73.9 73.3 69.6 81.4 67.8 66.7
ib 76.0 84.0 74.4 66.5 67.8 81.2 67.6 62.4
bs-maxnorm 77.5 81.2 75.9 74.1 70.3 80.0 68.2 68.8
shapmix 80.8 86.8 78.4 75.6 73.0 84.8 71.3 69.7
"""
TABLE_III = """
ce 72.3 82.9 66.8 60.2 58.4 81.4 58.9 40.3
focal 72.4 82.7 67.1 61.8 58.5 80.9 59.1 45.2
weighted 72.6 83.1 68.1 58.8 58.6 81.9 58.2 42.1
ros 73.4 81.7 67.2 66.0 58.2 81.5 57.6 45.9
mixup 71.8 82.9 66.7 58.7 58.9 82.6 57.8 41.3
remix 71.7 82.2 66.3 62.2 58.4 81.8 56.8 41.2
cb 73.8 82.0 69.4 62.8 61.4 81.3 60.7 51.0
ldam-drw 71.2 75.4 68.6 65.3 60.9 76.3 60.0 52.2
equalization 73.7 84.7 69.3 58.5 59.4 82.8 58.8 47.5
balanced-softmax 74.5 82.3 69.2 64.5 62.1 83.1 60.1 51.7
gumbel 73.3 84.3 68.9 58.1 61.6 81.0 59.8 52.4
kps 73.6 83.1 72.3 61.6 62.4 82.5 61.2 52.1
brl 76.7 85.5 73.7 67.8 65.3 83.0 62.6 54.3
"""
# Table 8, overall, NTU60-LT; the figure of shapmix is in Table 1.
TABLE_8 = {
    'stmix': [80.0],
    'gradcam': [79.0],
    'stmix-rs': [76.3],
    'gradcam-rs': [76.4],
    'shapmix-rs': [77.9],
}


@pytest.mark.parametrize(
    ('source', 'text', 'more'),
    [('shapmix', TABLE_1, TABLE_8), ('brl', TABLE_III, {})],
)
def test_published_figures_are_those_of_the_papers(source, text, more):
    table = read_benchmark(TABLES[0].with_name('full.yml'))
    lines = [line.split() for line in text.split('\n') if line]
    for data, first in (('ntu60-xsub-lt-3d', 1), ('ntu120-xsub-lt-3d', 5)):
        expected = {
            name: [*map(float, figures[first - 1 : first + 3])]
            for name, *figures in lines
        }
        found = {
            name: method.paper[data][source]
            for name, method in table.methods.items()
            if source in (method.paper or {}).get(data, {})
        }
        assert found == expected | (more if first == 1 else {})
