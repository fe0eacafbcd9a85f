"""Dumped scores of several streams."""

from dataclasses import replace

import numpy as np
import pytest

from mmshapmix.analysis.scores import Scores, read_scores


def make(scores, labels, names=None, counts=None, source='x'):
    scores = np.array(scores, dtype=float)
    names = names or [f's{i}' for i in range(len(scores))]
    counts = None if counts is None else np.array(counts)
    return Scores(source, tuple(names), scores, np.array(labels), counts)


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


@pytest.fixture
def files(random_streams, tmp_path):
    """Dumped scores of three streams; those of b are in reverse order."""
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
    """Save a copy of dumped scores with changed content."""
    found = read_scores(path)
    made = {k: make(found) for k, make in changes.items()}
    replace(found, **made).save(path)
