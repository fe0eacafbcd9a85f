"""Accuracy against the vector, naive loops and MMAction2."""

import numpy as np
import pytest
from mmaction.evaluation import mean_class_accuracy as stock_mean
from mmaction.evaluation import top_k_accuracy as stock_top_k

from mmshapmix.functional.accuracy import (
    class_accuracy,
    mean_class_accuracy,
    shot_accuracy,
    top_classes,
    top_k_accuracy,
)


def test_shot_accuracy_is_the_vector(vectors):
    vector = vectors['lt_shots.accuracy']
    inputs, expected = vector['inputs'], vector['expected']
    preds, labels = np.array(inputs['preds']), np.array(inputs['labels'])
    correct, total = class_accuracy(preds, labels, 4)
    np.testing.assert_allclose(correct / total, expected['per_class'])
    groups = shot_accuracy(correct, total, inputs['class_counts'])
    for name in ('many', 'medium', 'few'):
        assert groups[name][0] == pytest.approx(expected[name])
    assert {name: size for name, (_, size) in groups.items()} == dict(
        many=2, medium=1, few=1
    )
    assert (preds == labels).mean() == pytest.approx(expected['overall'])


def test_mmaction2_agrees(rng):
    scores = rng.random((200, 7))
    labels = rng.integers(7, size=200)
    ranked = top_classes(scores, 5)
    for k in (1, 5):
        assert top_k_accuracy(ranked, labels, k) == pytest.approx(
            stock_top_k(list(scores), labels, (k,))[0]
        )
    correct, total = class_accuracy(ranked[:, 0], labels, 7)
    assert mean_class_accuracy(correct, total) == pytest.approx(
        stock_mean(list(scores), labels)
    )


def test_an_empty_group_is_absent_not_zero():
    correct, total = np.array([3, 0, 0]), np.array([4, 0, 5])
    groups = shot_accuracy(correct, total, [500, 50, 5])
    assert groups == {'many': (0.75, 1), 'few': (0.0, 1)}
    assert mean_class_accuracy(correct, np.zeros(3, int)) is None


def test_fewer_classes_than_k():
    assert top_classes(np.array([[0.2, 0.8]]), 5).tolist() == [[1, 0]]


def test_scores_without_a_ranking_are_refused():
    scores = np.array([[0.0, 1.0], [np.nan, 1.0], [np.inf, 0.0]])
    with pytest.raises(ValueError, match='2 of 3 samples'):
        top_classes(scores, 1)
