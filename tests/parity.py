"""Results of the published implementations of the backbones.

``data/parity/*.json`` has the names and shapes of their weights, the rule that
fills these weights, and the resulting logits. See :func:`filled`.
"""

import json
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent / 'data' / 'parity'


@cache
def parity(model):
    """Parity file of a model: state, input and logits."""
    return json.loads((FOLDER / f'{model}_nturgbd.json').read_text())


def inputs(joints=25):
    """The skeletons of all parity files, ``(2, 2, 64, V, 3)``."""
    draw = np.random.RandomState(0).standard_normal((2, 2, 64, joints, 3))
    return torch.tensor(0.3 * draw, dtype=torch.float32)


def fill(name, shape):
    """Values of the weight with this name, the same on all machines."""
    r = np.random.RandomState(zlib.crc32(name.encode()))
    last = name.rsplit('.', 1)[-1]
    if last == 'running_var':
        return r.uniform(0.5, 1.5, shape)
    if last == 'running_mean':
        return 0.1 * r.standard_normal(shape)
    if last == 'weight' and len(shape) == 1:
        return 1 + 0.1 * r.standard_normal(shape)
    if len(shape) >= 2:
        return 0.6 * r.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return 0.1 * r.standard_normal(shape)


def filled(rows):
    """Filled weights by name; graphs and counters are left out."""
    return {
        name: torch.tensor(fill(name, shape), dtype=torch.float32)
        for name, shape, _, kind in rows
        if kind == 'filled'
    }


@cache
def weights(model):
    """All weights that must be loaded: filled weights, and random graphs."""
    published = parity(model)
    kept = published.get('kept_values', {})
    return filled(published['state']) | {
        name: torch.tensor(value) for name, value in kept.items()
    }
