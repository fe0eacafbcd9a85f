"""PYSKL's dumped scores, with names and labels."""

import os

import numpy as np
import pytest

from mmshapmix.interop.results import (
    Results,
    dump_of,
    read_results,
    split_samples,
)

from ..conftest import make_data

CLASSES = 3


@pytest.fixture
def data():
    """Six samples; the split names them in another order."""
    data = make_data(CLASSES, 2)
    names = data['split']['val']
    data['split']['val'] = [names[4], names[0], names[3]]
    return data


def scores_of(count, classes=CLASSES):
    return list(np.random.default_rng(1).random((count, classes), np.float32))


def test_scores_belong_to_samples_in_the_order_of_the_annotations(data, write):
    """PYSKL goes through the annotations, and keeps those of the split."""
    samples = split_samples(write(data), 'val')
    split = {*data['split']['val']}
    expected = [
        (row['frame_dir'], row['label'])
        for row in data['annotations']
        if row['frame_dir'] in split
    ]
    scores = np.stack(scores_of(3))
    dump = dump_of(Results(scores, 9 * scores), samples, 'x.pkl')
    found = [(row['frame_dir'], row['gt_label'].item()) for row in dump]
    assert found == expected != data['split']['val']
    for row, score in zip(dump, scores, strict=True):
        np.testing.assert_array_equal(row['pred_score'], score)
        np.testing.assert_array_equal(row['pred_logit'], 9 * score)
        assert row['gt_label'].dtype == np.int64


def test_bare_lists_of_annotations_are_all_tested(data, write):
    samples = split_samples(write(data['annotations']))
    names = [row['frame_dir'] for row in data['annotations']]
    assert [row['frame_dir'] for row in samples] == names


def test_scores_are_read_as_they_are(write):
    scores = scores_of(4)
    found = read_results(write(scores))
    np.testing.assert_array_equal(found.scores, np.float64(scores))
    assert found.logits is None


def test_probabilities_of_clips_are_averaged(write):
    """By hand: probabilities (1/2, 1/4, 1/4) and (1/4, 1/4, 1/2).

    The logits, which are known, are averaged, too.
    """
    log2 = np.log(2)
    clips = np.array([[log2, 0, 0], [5, 5, 5 + log2]], np.float32)
    found = read_results(write([clips, clips[:1]]))
    expected = [[3 / 8, 1 / 4, 3 / 8], [1 / 2, 1 / 4, 1 / 4]]
    np.testing.assert_allclose(found.scores, expected, rtol=1e-6)
    means = [[(5 + log2) / 2, 2.5, (5 + log2) / 2], [log2, 0, 0]]
    np.testing.assert_allclose(found.logits, means, rtol=1e-6)


@pytest.mark.parametrize('count', [2, 4])
def test_another_number_of_samples_is_refused(data, write, count):
    samples = split_samples(write(data), 'val')
    message = rf'3 samples, as .*x\.pkl has, but got {count}.*`valid_ratio`'
    with pytest.raises(ValueError, match=message):
        dump_of(Results(np.stack(scores_of(count))), samples, 'x.pkl')


def test_labels_of_other_classes_are_refused(data, write):
    samples = split_samples(write(data), 'train')
    scores = np.stack(scores_of(6, classes=2))
    with pytest.raises(ValueError, match=r"0\.\.1 .*'S000A003' of x\.pkl has"):
        dump_of(Results(scores), samples, 'x.pkl')


@pytest.mark.parametrize('split', ['nowhere', None])
def test_splits_are_listed_if_there_is_no_such(data, write, split):
    with pytest.raises(ValueError, match=r"\['train', 'val'\]"):
        split_samples(write(data), split)


class Runs:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ('touch was_run',)


BAD = np.array([0, np.nan, 0], np.float32)
NO_SCORES = r'list of score arrays.*data\.pkl is none'


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([*scores_of(2), *scores_of(1, 4)], r'got \[3, 4\] classes'),
        ([*scores_of(2), BAD], r'1 of 3 samples of .*data\.pkl have NaN'),
        ([BAD[None]], 'NaN'),
        ([], NO_SCORES),
        (dict(a=1), NO_SCORES),
        ([dict(pred_score=BAD)], f'{NO_SCORES}.*needs no conversion'),
        ([scores_of(2)], NO_SCORES),
        ([np.arange(3)], NO_SCORES),
        ([np.zeros((2, 2, 3))], NO_SCORES),
        ([np.zeros((0, 3))], NO_SCORES),
        ([Runs()], r'data\.pkl cannot be read: it asks for posix\.system'),
    ],
)
def test_what_is_no_list_of_scores_is_refused(
    write, tmp_path, monkeypatch, content, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        read_results(write(content))
    assert not (tmp_path / 'was_run').exists()
