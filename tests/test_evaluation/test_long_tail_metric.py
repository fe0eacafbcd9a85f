"""The metric alone; under DDP it is tested in test_end_to_end.py."""

import numpy as np
import pytest
import torch
from mmaction.evaluation import AccMetric

from mmshapmix.evaluation import LongTailMetric


def samples(scores, labels):
    return [
        dict(pred_score=torch.tensor(s), gt_label=torch.tensor([y]))
        for s, y in zip(scores.tolist(), labels.tolist(), strict=True)
    ]


def evaluate(metric, scores, labels, batch=7):
    for start in range(0, len(labels), batch):
        chunk = slice(start, start + batch)
        metric.process(None, samples(scores[chunk], labels[chunk]))
    return metric.evaluate(len(labels))


def test_mmaction2_agrees(rng):
    scores, labels = rng.random((50, 8)), rng.integers(8, size=50)
    ours = evaluate(LongTailMetric(), scores, labels)
    stock = evaluate(AccMetric(), scores, labels)
    assert set(ours) == {'acc/top1', 'acc/top5', 'acc/mean1'}
    for key, value in stock.items():
        assert ours[key] == pytest.approx(value)


def test_groups_are_the_vector(vectors):
    vector = vectors['lt_shots.accuracy']
    labels = np.array(vector['inputs']['labels'])
    scores = np.eye(4)[vector['inputs']['preds']]
    metric = LongTailMetric(topk=(1,))
    metric.set_class_counts(torch.tensor(vector['inputs']['class_counts']))
    metrics = evaluate(metric, scores, labels)
    expected = vector['expected']
    assert metrics['acc/top1'] == pytest.approx(expected['overall'])
    for group, size in (('many', 2), ('medium', 1), ('few', 1)):
        assert metrics[f'acc/{group}'] == pytest.approx(expected[group])
        assert metrics[f'acc/num_{group}'] == size
    assert [row['accuracy'] for row in metric.per_class] == [
        f'{a:.4f}' for a in expected['per_class']
    ]
    assert [row['group'] for row in metric.per_class] == [
        'many',
        'many',
        'medium',
        'few',
    ]


def test_thresholds_names_and_absent_groups():
    metric = LongTailMetric(topk=(1,), thresholds=(2, 5))
    metric.set_class_counts([9, 3, 3])
    metric.dataset_meta = dict(classes=['wave', 'kick', 'bow'])
    metrics = evaluate(metric, np.eye(3)[[0, 1]], np.array([0, 0]))
    assert metrics['acc/many'] == 0.5
    assert not any('medium' in key or 'few' in key for key in metrics)
    kick = metric.per_class[1]
    assert kick == dict(
        class_id=1,
        name='kick',
        train_samples=3,
        group='medium',
        test_samples=0,
        correct=0,
        accuracy='',
    )


def test_an_untested_class_does_not_count():
    """AccMetric counts a class without samples as 0 if it is predicted."""
    scores, labels = np.eye(3)[[0, 2, 1, 1]], np.array([0, 0, 1, 1])
    assert evaluate(LongTailMetric(), scores, labels)['acc/mean1'] == 0.75
    assert evaluate(AccMetric(), scores, labels)['acc/mean1'] == 0.5


def test_no_sample_at_all_is_refused():
    with pytest.raises(ValueError, match='samples to evaluate'):
        LongTailMetric().compute_metrics([])


def test_counts_of_another_number_of_classes_are_refused():
    metric = LongTailMetric(topk=(1,))
    metric.set_class_counts([5, 5, 5, 5])
    with pytest.raises(ValueError, match='3 classes.*but got 4'):
        evaluate(metric, np.eye(3)[[0, 1]], np.array([0, 1]))


def test_diverged_scores_are_refused():
    with pytest.raises(ValueError, match='1 of 2 samples.*diverged'):
        evaluate(
            LongTailMetric(),
            np.array([[0, 1.0], [np.nan, 1]]),
            np.array([0, 1]),
        )


def test_bad_thresholds():
    with pytest.raises(ValueError, match='low <= high'):
        LongTailMetric(thresholds=(100, 20))
