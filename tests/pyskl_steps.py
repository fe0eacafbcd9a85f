"""Transforms of PYSKL as naive loops."""

import numpy as np


def normalized_2d(joints, scores, picture, threshold=0.01, mode='fix'):
    """PYSKL's ``PreNormalize2D`` on ``(M, T, V, 2)``, as a naive loop.

    ``scores`` are ``(M, T, V)`` or ``None``, ``picture`` is (height, width).
    Without ``threshold``, nothing is hidden, as before 2023-02.
    """
    places = [*np.ndindex(joints.shape[:3])]
    if threshold is None:
        scores = None
    seen = [p for p in places if scores is None or scores[p] > threshold]
    middle, side = [0, 0], [2, 2]  # the step changes nothing
    if mode == 'fix':
        side = picture[::-1]
        middle = [length / 2 for length in side]
    elif seen:
        ends = [
            (min(joints[p][i] for p in seen), max(joints[p][i] for p in seen))
            for i in (0, 1)
        ]
        if all(high - low > 10 for low, high in ends):
            side = [high - low for low, high in ends]
            middle = [(high + low) / 2 for low, high in ends]
    result = np.zeros_like(joints)
    for place in seen:
        for i in (0, 1):
            result[place][i] = (joints[place][i] - middle[i]) / side[i] * 2
    return result
