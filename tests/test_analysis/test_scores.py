"""Reading of dumped scores: matched samples and refused files."""

import io
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults

from mmshapmix.analysis.fusion import Fusion, fusion_rows
from mmshapmix.analysis.scores import aligned, read_scores, read_streams

from .conftest import change


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
    fusions = dict(four=Fusion(dict(j=2, b=2, jm=1)))
    assert fusion_rows(read, fusions) == fusion_rows(random_streams, fusions)


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
    'logits': (
        dict(logits=lambda s: s.scores[:, 1:]),
        r'logits and scores .*b\.pkl, but got shapes \(60, 4\) and',
    ),
    'infinite logits': (
        dict(logits=lambda s: np.where(s.scores < 0.01, np.inf, s.scores)),
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
    logits = rows[0] | dict(pred_logit=np.ones(5))
    ragged = [*rows[:5], rows[5] | dict(pred_score=np.ones(3))]
    for content, message in (
        (unnamed, "60 of 60 have none. Add 'frame_dir' to the `meta_keys`"),
        (ragged, 'scores of the same classes'),
        ([*rows[1:], logits], 'others: only 1 of 60 have `pred_logit`'),
        ([], 'Expected a list of samples.*tools/test.py --dump writes'),
        (dict(a=1), 'Expected a list of samples'),
        ([dict(pred_score=np.ones(3))], 'Expected a list of samples'),
        ([row | dict(pred_score=np.ones((2, 5))) for row in rows], 'one row'),
        ([row | dict(gt_label=[0, 1]) for row in rows], 'a label for each'),
        ([row | dict(gt_label=[1.7]) for row in rows], 'a label for each'),
        ([row | dict(class_counts={}) for row in rows], 'bad.pkl'),
    ):
        with pytest.raises(ValueError, match=message):
            read_scores(write(content, 'bad.pkl'))
    with pytest.raises(FileNotFoundError, match='dumped scores at nowhere'):
        read_scores('nowhere.pkl')


class Runs:
    """Unpickling this object would create a folder."""

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
        pickle.loads(Path(path).read_bytes())  # the file would really run code
        assert target.exists()
        target.rmdir()


def test_dumps_of_mmengine_are_read(random_streams, tmp_path):
    """MMAction2's own test.py --dump writes plain pickles."""
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
    assert read.logits is None


def test_scores_that_may_be_negative_are_logits(random_streams, tmp_path):
    """Tests with `average_clips='score'` dump such scores."""
    raw = replace(random_streams['j'], scores=random_streams['j'].scores - 1)
    raw.save(tmp_path / 'raw.pkl')
    read = read_scores(tmp_path / 'raw.pkl')
    np.testing.assert_array_equal(read.logits, raw.scores)


def test_logits_follow_the_samples(files, random_streams):
    change(files['b'], logits=lambda s: np.log(s.scores))
    read = read_streams(files)
    expected = np.log(random_streams['b'].scores)
    np.testing.assert_array_equal(read['b'].logits, expected)


def test_streams_of_two_scales_are_refused(random_streams):
    """Scores that do not sum to 1 would outweigh probabilities."""
    streams = {
        name: replace(
            found, scores=found.scores / found.scores.sum(1, keepdims=True)
        )
        for name, found in random_streams.items()
    }
    assert aligned(streams, {}).keys() == streams.keys()
    streams['b'] = replace(streams['b'], scores=100 * streams['b'].scores)
    with pytest.raises(ValueError, match='probabilities from all streams or'):
        aligned(streams, {})
    for name in streams:
        streams[name] = random_streams[name]
    assert aligned(streams, {}).keys() == streams.keys()
