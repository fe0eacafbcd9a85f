"""Table files, and means over seeds."""

import numpy as np
import pytest

from mmshapmix.analysis.benchmark import (
    Benchmark,
    Result,
    read_benchmark,
    readable,
    result_rows,
    run_row,
)

from ..leaves import ROOT

TABLE = """
leaf: sub/{method}_{data}.py
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
    after: ce
    trains: false
data:
  one: {label: One}
  two: {label: Two, leaf: one, options: [c=3]}
"""


@pytest.fixture
def table(tmp_path):
    """Write a table file with replaced text, and read it."""

    def read(*replaced):
        path = tmp_path / 'table.yml'
        path.write_text(TABLE.replace(*replaced) if replaced else TABLE)
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
    for data in ('one', 'two'):
        assert found.config('crt', data) == tmp_path / 'sub/crt_one.py'


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('seeds:', 'seed:', r"Expected only \[.*'seeds'.*\] in .*\['seed'\]"),
        ('after: ce\n    o', 'atfer: ce\n    o', r'methods\.crt of .*atfer'),
        ('label: cRT\n', 'paper: {}\n', r"methods\.crt of .*'label'"),
        ('after: ce\n    t', 'after: crt2\n    t', r"before it.*'crt2'"),
        ('after: ce\n    o', 'after: post\n    o', r"before it.*'post'"),
        ('after: ce\n    t', 't', r'methods\.post .* no checkpoint'),
        ('[80.0]', '[80.0, 1]', r"for crt of .* got 2 of 'y'"),
        ('y: [80.0]', 'z: [80.0]', r"\['x', 'y'\] .* got 1 of 'z'"),
        ('seeds: [0, 3]', 'seeds: []', '3, 2 and 0'),
        ('leaf: sub/{method}_{data}.py\n', '', r'table\.yml.*leaf'),
    ],
)
def test_a_bad_table_is_refused(table, old, new, message):
    assert old in TABLE
    with pytest.raises(ValueError, match=message):
        table(old, new)


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
    """What nobody has is left out: many, medium, and paper figures of two."""
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


def test_a_method_that_has_only_failed_has_a_row(table):
    found = table()
    failed = Result('ce', 'one', 0, None, 'broken')
    (row,) = result_rows(found, 'one', [failed])
    assert (row['seeds'], row['overall']) == (0, None)
    (shown,) = readable(found, [row])
    assert shown['method'] == 'Cross-entropy'
    assert run_row(failed) == dict.fromkeys(
        ('overall', 'mean-class', 'many', 'medium', 'few')
    ) | dict(data='one', method='ce', seed=0, error='broken')


TABLES = sorted((ROOT / 'configs/benchmark').glob('*.yml'))


@pytest.mark.parametrize(
    'path', [p for p in TABLES if p.stem != 'methods'], ids=lambda p: p.stem
)
def test_our_tables_have_their_leaves(path):
    table: Benchmark = read_benchmark(path)
    for method in table.methods:
        for data in table.data:
            assert table.config(method, data).is_file()


def test_the_rows_are_the_leaves():
    """All that configs/benchmark has, and no more."""
    leaves = {p.stem.split('_')[1] for p in TABLES[0].parent.glob('*.py')}
    table = read_benchmark(TABLES[0].with_name('full.yml'))
    assert leaves == {*table.methods}


def test_published_figures_are_those_of_the_papers():
    """Overall accuracies, in the papers' order of rows, from the papers."""
    table = read_benchmark(TABLES[0].with_name('full.yml'))
    rows = {
        ('shapmix', 'ntu60-xsub-lt-3d'): dict(
            zip(
                ['ce', 'mixup', 'remix-drw', 'brl', 'ros', 'focal', 'cb']
                + ['ldam-drw', 'balanced-softmax', 'ib', 'bs-maxnorm']
                + ['shapmix', 'stmix', 'gradcam', 'stmix-rs', 'gradcam-rs']
                + ['shapmix-rs'],
                [74.4, 75.9, 78.7, 76.9, 74.8, 77.6, 72.4, 76.4, 77.6, 76.0]
                + [77.5, 80.8, 80.0, 79.0, 76.3, 76.4, 77.9],
                strict=True,
            )
        ),
        ('brl', 'ntu120-xsub-lt-3d'): dict(
            zip(
                ['ce', 'focal', 'weighted', 'ros', 'mixup', 'remix', 'cb']
                + ['ldam-drw', 'equalization', 'balanced-softmax', 'gumbel']
                + ['kps', 'brl'],
                [58.4, 58.5, 58.6, 58.2, 58.9, 58.4, 61.4, 60.9, 59.4, 62.1]
                + [61.6, 62.4, 65.3],
                strict=True,
            )
        ),
    }
    for (source, data), expected in rows.items():
        found = {
            name: method.paper[data][source][0]
            for name, method in table.methods.items()
            if source in (method.paper or {}).get(data, {})
        }
        assert found == expected
