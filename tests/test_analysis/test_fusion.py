"""Reading dumps, fusing them, searching weights; and the tool."""

import csv
import io
import itertools
import os
import pickle
import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults

from mmshapmix.analysis.fusion import (
    PRESETS,
    accuracies,
    check_disjoint,
    fuse,
    fuse_streams,
    fusion_rows,
    possible_presets,
    preset_weights,
    search_weights,
    weight_grid,
)
from mmshapmix.analysis.scores import Scores, read_scores, read_streams
from mmshapmix.analysis.tables import markdown_table, write_table

TOOL = Path(__file__).parents[2] / 'tools/analysis/fuse_streams.py'


def make(scores, labels, names=None, counts=None, source='x'):
    scores = np.array(scores, dtype=float)
    names = names or [f's{i}' for i in range(len(scores))]
    counts = None if counts is None else np.array(counts)
    return Scores(source, tuple(names), scores, np.array(labels), counts)


# Four samples, two classes. j is right on 0 and 1, b on 2 and, barely, 0.
J = make([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.8, 0.2]], [0, 0, 1, 1])
B = make([[0.55, 0.45], [0.4, 0.6], [0.1, 0.9], [0.7, 0.3]], [0, 0, 1, 1])


@pytest.fixture
def random_streams(rng):
    """Three streams that are right a little more often than by chance."""
    labels = rng.integers(5, size=60)
    scores = rng.dirichlet(np.ones(5), size=(3, 60))
    scores[:, np.arange(60), labels] += rng.random((3, 60)) / 3
    return {
        name: make(row, labels, counts=[300, 120, 60, 20, 5])
        for name, row in zip(('j', 'b', 'jm'), scores, strict=True)
    }


# --- fusing ------------------------------------------------------------------


def test_fusion_by_hand():
    """(3 j + 1 b) / 4, and what it gets right."""
    fused = fuse_streams(dict(j=J, b=B), dict(j=3, b=1))
    np.testing.assert_allclose(
        fused.scores,
        [[0.8125, 0.1875], [0.55, 0.45], [0.475, 0.525], [0.775, 0.225]],
    )
    assert accuracies(fused) == {'overall': 0.75, 'mean-class': 0.75}
    assert accuracies(J)['overall'] == 0.5


def test_groups_by_hand():
    """Class 0 is many-shot, class 1 few-shot, none is medium-shot."""
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


def test_presets():
    assert possible_presets(['j', 'b']) == ['2s']
    assert possible_presets([*'jbk', 'jm', 'bm', 'km']) == [*PRESETS]
    assert preset_weights('4s', ['jm', 'j', 'x', 'b', 'bm']) == dict(
        j=2, b=2, jm=1, bm=1
    )
    with pytest.raises(ValueError, match=r"'6s', but \['k', 'km'\] are not"):
        preset_weights('6s', ['j', 'b', 'jm', 'bm'])
    with pytest.raises(ValueError, match="`preset`.*'5s'"):
        preset_weights('5s', ['j'])


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
    for weights in PRESETS.values():
        values = np.array([*weights.values()])
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
    # Only b is right on sample 1: 0.9 j < 0.8 b - 0.1 j, so b counts more.
    j = make([[0.9, 0.1], [0.9, 0.1]], [0, 1])
    b = make([[0.6, 0.4], [0.2, 0.8]], [0, 1])
    assert search_weights(dict(j=j, b=b)) == dict(j=2, b=3)


def test_rare_classes_count_as_much():
    """Overall, both are right on 9 of 10: the most even would be best."""
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


# --- reading -----------------------------------------------------------------


@pytest.fixture
def files(random_streams, tmp_path):
    """Three dumps; that of b has its samples in reverse."""
    paths = {}
    for name, found in random_streams.items():
        step = -1 if name == 'b' else 1
        paths[name] = tmp_path / f'{name}.pkl'
        replace(
            found,
            names=found.names[::step],
            scores=found.scores[::step],
            labels=found.labels[::step],
        ).save(paths[name])
    return paths


def change(path, **changes):
    """Save a dump with other content."""
    found = read_scores(path)
    made = {k: make(found) for k, make in changes.items()}
    replace(found, **made).save(path)


def test_the_order_of_samples_does_not_matter(files, random_streams):
    read = read_streams(files)
    for name, found in read.items():
        assert found.names == random_streams[name].names
        np.testing.assert_array_equal(
            found.scores, random_streams[name].scores
        )
        np.testing.assert_array_equal(
            found.labels, random_streams[name].labels
        )
    fusions = dict(four=dict(j=2, b=2, jm=1))
    assert fusion_rows(read, fusions) == fusion_rows(random_streams, fusions)


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


REFUSED = {
    'missing': (
        dict(
            names=lambda s: ('new', *s.names[1:4], 'more', *s.names[5:]),
        ),
        r"of \S+j\.pkl 2 \('s55', 's59'\) are not in \S+b\.pkl",
    ),
    'labels': (
        dict(labels=lambda s: (s.labels + (s.labels == 0)) % 5),
        r"same labels.*\('s\d+', 's\d+', 's\d+', …\) have others in \S+b\.pkl",
    ),
    'classes': (
        dict(
            scores=lambda s: np.pad(s.scores, ((0, 0), (0, 2))),
            class_counts=lambda s: None,
        ),
        r'j\.pkl has 5 classes, \S+b\.pkl 7',
    ),
    'counts': (
        dict(class_counts=lambda s: s.class_counts + 1),
        r'same class counts, but those of \S+j\.pkl and \S+b\.pkl differ',
    ),
    'other counts': (
        dict(class_counts=lambda s: np.arange(4)),
        r'counts of 5 classes.*b\.pkl has \(4,\)',
    ),
    'doubled': (
        dict(names=lambda s: (s.names[1], *s.names[1:])),
        r"distinct samples.*1 \('s58'\) come several times",
    ),
    'not finite': (
        dict(scores=lambda s: np.where(s.scores < 0.01, np.nan, s.scores)),
        r'finite scores, but \d+ of 60 samples of \S+b\.pkl',
    ),
    'label range': (
        dict(labels=lambda s: s.labels + 1),
        r'labels in 0\.\.4.*got 1 to 5',
    ),
}


@pytest.mark.parametrize('case', REFUSED)
def test_refused_streams(files, case):
    changes, message = REFUSED[case]
    change(files['b'], **changes)
    with pytest.raises(ValueError, match=message):
        read_streams(files)


def test_refused_files(files, write):
    rows = pickle.loads(files['j'].read_bytes())
    unnamed = [
        {k: v for k, v in row.items() if k != 'frame_dir'} for row in rows
    ]
    ragged = [*rows[:5], rows[5] | dict(pred_score=np.ones(3))]
    for content, message in (
        (unnamed, "60 of 60 have none. Add 'frame_dir' to the `meta_keys`"),
        (ragged, 'scores of the same classes'),
        ([], 'Expected a list of samples.*tools/test.py --dump writes'),
        (dict(a=1), 'Expected a list of samples'),
        ([dict(pred_score=np.ones(3))], 'Expected a list of samples'),
        ([row | dict(pred_score=np.ones((2, 5))) for row in rows], 'one row'),
        ([row | dict(gt_label=[0, 1]) for row in rows], 'Expected one label'),
    ):
        with pytest.raises(ValueError, match=message):
            read_scores(write(content, 'bad.pkl'))
    with pytest.raises(FileNotFoundError, match='dumped scores at nowhere'):
        read_scores('nowhere.pkl')


class Runs:
    """Unpickling it would create a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def hidden_in_a_storage(payload):
    """Bytes that torch's own loader of storages would run."""
    file = io.BytesIO()
    torch.save(payload, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


class Storage:
    def __init__(self, content):
        self.content = content

    def __reduce__(self):
        return torch.storage._load_from_bytes, (self.content,)


def test_hostile_dumps_run_nothing(tmp_path, write):
    target = tmp_path / 'made'
    for payload in (Runs(target), Storage(hidden_in_a_storage(Runs(target)))):
        path = write([dict(pred_score=payload)], 'evil.pkl')
        with pytest.raises(ValueError, match=r'evil\.pkl cannot be read'):
            read_scores(path)
        assert not target.exists()
        pickle.loads(Path(path).read_bytes())  # as bad as the test says
        assert target.exists()
        target.rmdir()


def test_dumps_of_mmengine_are_read(random_streams, tmp_path):
    """As MMAction2's own test.py --dump writes them: plainly pickled."""
    found, path = random_streams['j'], str(tmp_path / 'theirs.pkl')
    batch = torch.tensor(found.scores)
    samples = [
        dict(
            pred_score=batch[i],
            pred_label=batch[i].argmax(0, keepdim=True),
            gt_label=torch.tensor([int(label)]),
            frame_dir=found.names[i],
            img_shape=(1080, 1920),
        )
        for i, label in enumerate(found.labels)
    ]
    metric = DumpResults(path)
    metric.process(None, samples)
    metric.evaluate(len(samples))
    read = read_scores(path)
    np.testing.assert_array_equal(read.scores, found.scores)
    np.testing.assert_array_equal(read.labels, found.labels)
    assert read.names == found.names and read.class_counts is None


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
def tool(monkeypatch, capsys):
    """Run the tool in this process: what it prints, or how it ends."""

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as error:
            return f'{error.code} {capsys.readouterr().err}'
        return capsys.readouterr().out

    return run


def named(paths):
    return [f'{name}={path}' for name, path in paths.items()]


def cells(printed, name):
    """The row of a table, as numbers in %."""
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
    printed = tool(*named(files), '--preset', '4s', '2s', 'shapmix')
    for preset in ('2s', '4s', 'shapmix'):
        fused = fuse_streams(streams, PRESETS[preset])
        assert cells(printed, preset) == percents(fused)


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
    torch.save(dict(state_dict={}, meta=meta), path)
    torch.save(dict(state_dict={}, meta={}), empty)
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
        (['--search-on', 'nothing'], 'expected NAME=FILE, but got nothing'),
        (['--search-on', 'j=a', 'j=b'], 'a name of its own'),
    ],
)
def test_tool_says_what_is_wrong(tool, files, args, message):
    assert re.search(message, tool(*named(files), *args))
