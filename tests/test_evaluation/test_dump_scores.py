"""The dump alone; for tools and DDP see test_end_to_end.py."""

import pickle
import runpy
import sys
from pathlib import Path

import mmaction
import numpy as np
import pytest
import torch
from mmaction.evaluation import AccMetric

from mmshapmix.analysis.scores import read_scores
from mmshapmix.evaluation import DumpScores, LongTailMetric

ANALYSIS = Path(mmaction.__file__).parent / '.mim' / 'tools/analysis_tools'


@pytest.fixture
def samples(rng):
    """Samples as from a model: their scores are rows of a batch's scores."""
    scores = torch.tensor(rng.random((40, 8)), dtype=torch.float32)
    return [
        dict(
            pred_score=row,
            pred_logit=row.log(),
            pred_label=row.argmax(0, keepdim=True),
            gt_label=torch.tensor([i % 8]),
            frame_dir=f'S{i:03d}',
            num_classes=8,
        )
        for i, row in enumerate(scores)
    ]


def dump(samples, path, size=None, counts=None):
    metric = DumpScores(str(path))
    if counts is not None:
        metric.set_class_counts(torch.tensor(counts))
    for start in range(0, len(samples), 16):
        metric.process(None, samples[start : start + 16])
    assert metric.evaluate(size or len(samples)) == {}
    return path


def loaded(path):
    return pickle.loads(path.read_bytes())


def test_the_file_is_what_mmengine_writes(samples, tmp_path):
    rows = loaded(dump(samples, tmp_path / 'new' / 'x.pkl', counts=range(8)))
    for row, sample in zip(rows, samples, strict=True):
        assert set(row) == {
            *('pred_score', 'gt_label', 'frame_dir', 'class_counts'),
            'pred_logit',
        }
        assert row['frame_dir'] == sample['frame_dir']
        for key in ('pred_score', 'pred_logit', 'gt_label'):
            assert row[key].dtype == sample[key].dtype
            assert torch.equal(row[key], sample[key])
    assert rows[0]['class_counts'].tolist() == list(range(8))
    assert all(r['class_counts'] is rows[0]['class_counts'] for r in rows)
    assert [p.name for p in (tmp_path / 'new').iterdir()] == ['x.pkl']


def test_what_is_unknown_is_absent(samples, tmp_path):
    for sample in samples:
        del sample['frame_dir'], sample['pred_logit']
    rows = loaded(dump(samples, tmp_path / 'x.pkl'))
    assert all(set(row) == {'pred_score', 'gt_label'} for row in rows)


def test_repeated_samples_are_dropped(samples, tmp_path):
    """A sampler repeats the first samples to make ranks equally long."""
    padded = [*samples, *samples[:3]]
    rows = loaded(dump(padded, tmp_path / 'x.pkl', size=len(samples)))
    names = [row['frame_dir'] for row in rows]
    assert names == [sample['frame_dir'] for sample in samples]


def test_a_sample_does_not_hold_its_batch(samples, tmp_path):
    """Otherwise torch's pickle of a row would contain all rows."""
    size = dump(samples, tmp_path / 'x.pkl').stat().st_size
    assert size < 500 * len(samples)
    assert len(pickle.dumps(samples)) > 10 * size


def test_half_precision(tmp_path):
    sample = dict(
        pred_score=torch.tensor([0.25, 0.75], dtype=torch.bfloat16),
        gt_label=torch.tensor([1]),
        frame_dir='a',
    )
    row = loaded(dump([sample], tmp_path / 'x.pkl'))[0]
    assert row['pred_score'].tolist() == [0.25, 0.75]


def test_mmaction2s_tools_read_it(samples, tmp_path, monkeypatch, capsys):
    """MMAction2's report and its offline metric agree with ours."""
    path = dump(samples, tmp_path / 'x.pkl', counts=range(8))
    script = str(ANALYSIS / 'report_accuracy.py')
    monkeypatch.setattr(
        sys,
        'argv',
        [script, '--preds', str(path), str(path), '--coefficients', '2', '1'],
    )
    runpy.run_path(script, run_name='__main__')
    printed = capsys.readouterr().out
    metric, stock = LongTailMetric(), AccMetric()
    metric.process(None, samples)
    stock.process(None, loaded(path))
    ours, theirs = metric.evaluate(40), stock.evaluate(40)
    assert f'Top 1 Accuracy: {ours["acc/top1"]:.04f}' in printed
    assert f'Mean Class Accuracy: {ours["acc/mean1"]:.04f}' in printed
    assert theirs['acc/top1'] == pytest.approx(ours['acc/top1'])


def test_a_failing_write_leaves_the_old_file(samples, tmp_path, monkeypatch):
    path = dump(samples, tmp_path / 'x.pkl')
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError('disk full')

    monkeypatch.setattr(pickle, 'dump', fail)
    with pytest.raises(OSError, match='disk full'):
        dump(samples[:3], path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['x.pkl']


def test_read_again(samples, tmp_path):
    counts = np.arange(8) + 3
    found = read_scores(dump(samples, tmp_path / 'x.pkl', counts=counts))
    expected = torch.stack([sample['pred_score'] for sample in samples])
    np.testing.assert_array_equal(found.scores, expected)
    np.testing.assert_array_equal(found.logits, expected.log())
    assert found.labels.tolist() == [i % 8 for i in range(40)]
    assert found.class_counts.tolist() == counts.tolist()


def test_only_pickles():
    with pytest.raises(ValueError, match='pkl file'):
        DumpScores('x.json')
