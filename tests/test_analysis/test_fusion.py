"""Fusion of streams, search for weights, and the tool."""

import csv
import itertools
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmshapmix.analysis.fusion import (
    PRESETS,
    Fusion,
    accuracies,
    check_disjoint,
    fuse,
    fuse_streams,
    possible_presets,
    preset_fusion,
    search_weights,
    weight_grid,
)
from mmshapmix.analysis.scores import read_scores, read_streams
from mmshapmix.analysis.tables import markdown_table, write_table

from ..running import call_tool
from .conftest import change, make

# Four samples, two classes. j is right on samples 0 and 1, b on 2 and, barely,
# 0.
J = make([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.8, 0.2]], [0, 0, 1, 1])
B = make([[0.55, 0.45], [0.4, 0.6], [0.1, 0.9], [0.7, 0.3]], [0, 0, 1, 1])


# --- fusing ------------------------------------------------------------------


def test_fusion_by_hand():
    """Fused scores are (3 j + 1 b) / 4."""
    fused = fuse_streams(dict(j=J, b=B), dict(j=3, b=1))
    np.testing.assert_allclose(
        fused.scores,
        [[0.8125, 0.1875], [0.55, 0.45], [0.475, 0.525], [0.775, 0.225]],
    )
    assert accuracies(fused) == {'overall': 0.75, 'mean-class': 0.75}
    assert accuracies(J)['overall'] == 0.5


def test_groups_by_hand():
    """Class 0 is many-shot, class 1 few-shot, no class is medium-shot."""
    fused = fuse_streams(dict(j=J, b=B), dict(j=3, b=1))
    result = accuracies(replace(fused, class_counts=np.array([101, 19])))
    assert result['many'] == 1 and result['few'] == 0.5
    assert result['medium'] is None


def test_only_the_ratio_of_weights_counts(random_streams):
    scores = np.stack([s.scores for s in random_streams.values()])
    fused = fuse(scores, [0.6, 0.6, 0.3])
    np.testing.assert_allclose(fused, fuse(scores, [2, 2, 1]))
    np.testing.assert_allclose(fuse(scores, [0, 5, 0]), scores[1])
    expected = (2 * scores[0] + 2 * scores[1] + scores[2]) / 5
    np.testing.assert_allclose(fused, expected)


@pytest.mark.parametrize(
    'weights', [[1], [1, 1, 1], [0, 0], [2, -1], [1, np.nan], [1, np.inf]]
)
def test_bad_weights(weights):
    with pytest.raises(ValueError, match='Expected 2 weights.*but got'):
        fuse(np.ones((2, 3, 4)), weights)


def logit_streams(clips=1, size=400, classes=6):
    """Logits of four different models, each with its probabilities."""
    rng = np.random.default_rng(clips)
    labels = rng.integers(classes, size=size)
    streams = {}
    for i, name in enumerate(('j', 'b', 'jm', 'bm')):
        z = rng.normal(size=(clips, size, classes)) * (i + 1)
        z[:, np.arange(size), labels] += i + 1
        p = np.exp(z) / np.exp(z).sum(2, keepdims=True)
        streams[name] = replace(
            make(p.mean(0), labels), logits=z.mean(0), source=f'{name}.pkl'
        )
    return streams


@pytest.mark.parametrize('clips', [1, 3])
def test_presets_take_what_their_authors_take(clips):
    """Shap-Mix's preset fuses logits, BRL's presets probabilities."""
    streams = logit_streams(clips)
    for name, attribute in (('shapmix', 'logits'), ('4s', 'scores')):
        weights, of = PRESETS[name]
        expected = sum(
            weight * getattr(streams[stream], attribute)
            for stream, weight in weights.items()
        )
        fused = fuse_streams(streams, weights, of)
        assert (fused.scores.argmax(1) == expected.argmax(1)).all()
    logits, scores = (
        fuse_streams(streams, PRESETS['shapmix'].weights, of).scores
        for of in ('logits', 'scores')
    )
    assert (logits.argmax(1) != scores.argmax(1)).mean() > 0.05


def test_what_a_stream_does_not_have_is_not_fused():
    streams = logit_streams()
    without = streams | dict(b=replace(streams['b'], logits=None))
    with pytest.raises(ValueError, match=r'b\.pkl has scores alone.*again'):
        fuse_streams(without, *PRESETS['shapmix'])
    raw = streams | dict(b=replace(streams['b'], scores=streams['b'].logits))
    with pytest.raises(ValueError, match=r"b\.pkl has negative.*='prob'"):
        fuse_streams(raw, *PRESETS['2s'])
    with pytest.raises(ValueError, match="`of`.*'means'"):
        fuse_streams(streams, dict(j=1, b=1), 'means')


def test_presets():
    assert possible_presets(['j', 'b']) == ['2s']
    assert possible_presets([*'jbk', 'jm', 'bm', 'km']) == [*PRESETS]
    assert preset_fusion('4s', ['jm', 'j', 'x', 'b', 'bm']) == Fusion(
        dict(j=2, b=2, jm=1, bm=1), 'probabilities'
    )
    with pytest.raises(ValueError, match=r"'6s', but \['k', 'km'\] are not"):
        preset_fusion('6s', ['j', 'b', 'jm', 'bm'])
    with pytest.raises(ValueError, match="`preset`.*'5s'"):
        preset_fusion('5s', ['j'])


# --- searching ---------------------------------------------------------------


def test_the_grid_has_each_mixture_once():
    for size in (1, 2, 3, 4):
        expected = {
            tuple(np.divide(row, sum(row)).round(9))
            for row in itertools.product(range(4), repeat=size)
            if sum(row)
        }
        grid = weight_grid(size)
        shares = (grid / grid.sum(1, keepdims=True)).round(9)
        assert len(grid) == len(expected)
        assert {*map(tuple, shares)} == expected
        assert grid[0].tolist() == [1] * size


def test_all_presets_are_in_the_grid():
    for fusion in PRESETS.values():
        values = np.array([*fusion.weights.values()])
        grid = weight_grid(len(values))
        shares = grid / grid.sum(1, keepdims=True)
        assert np.isclose(shares, values / values.sum()).all(1).any()


@pytest.mark.parametrize('chunk', [2**24, 1000])
def test_search_is_the_naive_loop(random_streams, monkeypatch, chunk):
    monkeypatch.setattr('mmshapmix.analysis.fusion._CHUNK', chunk)
    labels = random_streams['j'].labels
    best = []
    for weights in itertools.product(range(4), repeat=3):
        if sum(weights) == 0:
            continue
        share = np.array(weights) / sum(weights)
        fused = sum(
            w * s.scores
            for w, s in zip(share, random_streams.values(), strict=True)
        )
        recalls = [
            np.mean(fused[labels == k].argmax(1) == k) for k in range(5)
        ]
        best.append((np.mean(recalls), -np.square(share).sum(), [*share]))
    mean, unevenness, _ = max(best)
    found = np.array([*search_weights(random_streams).values()])
    share = found / found.sum()
    assert -np.square(share).sum() == pytest.approx(unevenness)
    fused = fuse_streams(random_streams, search_weights(random_streams))
    assert accuracies(fused)['mean-class'] == pytest.approx(mean)
    single = [accuracies(s)['mean-class'] for s in random_streams.values()]
    assert mean > max(single)


def test_of_equal_weights_the_most_even():
    assert search_weights(dict(j=J, b=J, jm=J)) == dict(j=1, b=1, jm=1)
    # Only b is right on sample 1, and 0.6 of its score exceeds 0.8 of j's.
    j = make([[0.9, 0.1], [0.9, 0.1]], [0, 1])
    b = make([[0.6, 0.4], [0.2, 0.8]], [0, 1])
    assert search_weights(dict(j=j, b=b)) == dict(j=2, b=3)


def test_rare_classes_count_as_much():
    """Both are right on 9 of 10, so overall, equal weights would win."""
    labels = [0] * 9 + [1]
    j = make([[1, 0]] * 10, labels)
    b = make([[1, 0]] * 8 + [[0, 1]] * 2, labels)
    assert search_weights(dict(j=j, b=b)) == dict(j=2, b=3)


def test_too_many_streams_to_search():
    with pytest.raises(ValueError, match='1 to 6 streams.*got 7'):
        weight_grid(7)


def test_weights_are_not_searched_on_what_is_reported():
    other = replace(J, names=('a', 'b', 'c', 'd'))
    check_disjoint(dict(j=other), dict(j=J))
    shared = replace(J, names=('a', 'b', 's1', 's0'))
    with pytest.raises(ValueError, match=r"2 are among both: \['s0', 's1'\]"):
        check_disjoint(dict(j=shared), dict(j=J))
    with pytest.raises(ValueError, match=r"\['b', 'j'\].*got \['j'\]"):
        check_disjoint(dict(j=other), dict(j=J, b=B))
    fewer = replace(other, scores=other.scores[:, :1])
    with pytest.raises(ValueError, match='classes to search .* got 1'):
        check_disjoint(dict(j=fewer), dict(j=J))


def test_saved_fusion_is_a_dump(files, tmp_path):
    streams = read_streams(files)
    fused = fuse_streams(streams, dict(j=1, b=1, jm=2))
    fused.save(tmp_path / 'fused.pkl')
    again = read_scores(tmp_path / 'fused.pkl')
    np.testing.assert_array_equal(again.scores, fused.scores)
    assert again.names == fused.names
    assert accuracies(again) == accuracies(fused)
    with open(tmp_path / 'fused.pkl', 'rb') as file:
        rows = pickle.load(file)
    assert isinstance(rows[0]['pred_score'], torch.Tensor)
    assert rows[3]['gt_label'].tolist() == [fused.labels[3]]


def test_a_saved_fusion_of_logits_is_one_of_logits(tmp_path):
    streams = logit_streams()
    fused = fuse_streams(streams, *PRESETS['shapmix'])
    fused.save(tmp_path / 'fused.pkl')
    again = read_scores(tmp_path / 'fused.pkl')
    np.testing.assert_array_equal(again.logits, fused.logits)
    assert accuracies(again) == accuracies(fused)


# --- tables ------------------------------------------------------------------


def test_tables(tmp_path):
    rows = [
        dict(scores='j', overall=0.5, many=None),
        dict(scores='2s', overall=2 / 3, many=1.0),
    ]
    expected = (
        '| scores | overall | many |\n|---|---|---|\n'
        '| j | 50.0 | - |\n| 2s | 66.7 | 100.0 |'
    )
    assert markdown_table(rows) == expected
    write_table(rows, tmp_path / 'new' / 'a.b')
    assert (tmp_path / 'new/a.b.md').read_text() == expected + '\n'
    with (tmp_path / 'new/a.b.csv').open() as file:
        one, other = csv.DictReader(file)
    assert float(other['overall']) == 2 / 3 and one['many'] == ''


# --- the tool ----------------------------------------------------------------


@pytest.fixture
def tool(capsys):
    """Run the tool in this process; return its output or exit text."""

    def run(*args):
        code = call_tool('analysis/fuse_streams.py', *args)
        printed = capsys.readouterr()
        return printed.out if code is None else f'{code} {printed.err}'

    return run


def named(paths):
    return [f'{name}={path}' for name, path in paths.items()]


def cells(printed, name):
    """Row of the table as numbers in %."""
    row = re.search(rf'│ {name} .*', printed)[0]
    return [float(x) for x in re.findall(r'\d+\.\d', row.split('│', 3)[3])]


def percents(found):
    return [round(100 * value, 1) for value in accuracies(found).values()]


def test_tool(tool, files, random_streams, tmp_path):
    out = tmp_path / 'fused.pkl'
    printed = tool(*named(files), '--weights', 3, 1, 0.5, '--save', out)
    fused = fuse_streams(random_streams, dict(j=3, b=1, jm=0.5))
    assert cells(printed, 'weighted') == percents(fused)
    for name, found in random_streams.items():
        assert cells(printed, name) == percents(found)
    np.testing.assert_allclose(read_scores(out).scores, fused.scores)
    equal = fuse_streams(random_streams, dict(j=1, b=1, jm=1))
    assert cells(tool(*named(files)), 'equal') == percents(equal)


def test_tool_with_presets(tool, files, random_streams, tmp_path):
    files['bm'] = tmp_path / 'bm.pkl'
    random_streams['j'].save(files['bm'])
    streams = random_streams | dict(bm=random_streams['j'])
    printed = tool(*named(files), '--preset', '4s', '2s')
    for preset in ('2s', '4s'):
        fused = fuse_streams(streams, *PRESETS[preset])
        assert cells(printed, preset) == percents(fused)
    refused = tool(*named(files), '--preset', '2s', 'shapmix')
    assert re.search(r'j\.pkl has scores alone\. tools/test\.py', refused)


def test_tool_fuses_logits(tool, tmp_path):
    """A preset and explicit weights fuse logits if asked to."""
    streams = logit_streams()
    for name, found in streams.items():
        found.save(tmp_path / f'{name}.pkl')
    files = named({name: tmp_path / f'{name}.pkl' for name in streams})
    weights, of = PRESETS['shapmix']
    fused = percents(fuse_streams(streams, weights, of))
    printed = tool(*files, '--preset', 'shapmix', '4s')
    assert cells(printed, 'shapmix') == fused
    assert 'bm 0.3 (logits)' in printed and 'bm 1 (logits)' not in printed
    by_hand = ['--weights', *weights.values()]
    assert cells(tool(*files, *by_hand, '--logits'), 'weighted') == fused
    plain = percents(fuse_streams(streams, weights))
    assert cells(tool(*files, *by_hand), 'weighted') == plain != fused
    searched = search_weights(streams, 'logits')
    assert searched != search_weights(streams)
    for name, found in streams.items():
        names = tuple(f'o{i}' for i in range(len(found.names)))
        replace(found, names=names).save(tmp_path / f'o{name}.pkl')
    other = named({name: tmp_path / f'o{name}.pkl' for name in streams})
    printed = tool(*files, '--search-on', *other, '--logits')
    expected = percents(fuse_streams(streams, searched, 'logits'))
    assert cells(printed, 'searched') == expected


def test_tool_searches_elsewhere(tool, files, random_streams, tmp_path):
    other = {name: tmp_path / f'other_{name}.pkl' for name in ('jm', 'j', 'b')}
    names = tuple(f'o{i}' for i in range(60))
    for name, path in other.items():
        replace(random_streams[name], names=names).save(path)
    printed = tool(*named(files), '--search-on', *named(other))
    fused = fuse_streams(random_streams, search_weights(random_streams))
    assert cells(printed, 'searched') == percents(fused)
    refused = tool(*named(files), '--search-on', *named(files))
    assert 'fuse_streams.py: Expected other samples' in refused


def test_tool_takes_counts_from_a_checkpoint(tool, files, tmp_path):
    for path in files.values():
        change(path, class_counts=lambda found: None)
    without = tool(*named(files))
    assert 'few' not in without.split('Without')[0]
    assert '--class-counts CHECKPOINT gives them' in without
    path, empty = tmp_path / 'x.pth', tmp_path / 'y.pth'
    meta = dict(class_counts=[300, 120, 60, 20, 5])
    weights = dict(x=torch.zeros(1))
    torch.save(dict(state_dict=weights, meta=meta), path)
    torch.save(dict(state_dict=weights, meta={}), empty)
    printed = tool(*named(files), '--class-counts', path)
    assert len(cells(printed, 'equal')) == 5 and 'Without' not in printed
    refused = tool(*named(files), '--class-counts', empty)
    assert re.search(r"meta\['class_counts'\].*y\.pth has none", refused)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--weights', '1', '2'], 'Expected 3 weights, .*got 2'),
        (['--weights', '1', '2', '-3'], 'none negative'),
        (['--preset', '6s'], r"'6s', but \['k', 'bm', 'km'\] are not among"),
        (['--preset', '2s', '4s', '--save', 'x.pkl'], 'one fusion'),
        (['--preset', '2s', '--weights', '1'], 'not allowed with'),
        (['--preset', '2s', '--logits'], 'a preset says itself what'),
        (['--weights', '1', '1', '1', '--logits'], 'has scores alone'),
        (['--search-on', 'nothing'], 'expected NAME=FILE, but got nothing'),
        (['--search-on', 'j=a', 'j=b'], 'a name of its own'),
    ],
)
def test_tool_says_what_is_wrong(tool, files, args, message):
    assert re.search(message, tool(*named(files), *args))
