"""What the leaves of configs promise, as tables for test_config*.py."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# By the first word of a leaf's data set.
CLIP_LEN = {
    'ntu60': 64,
    'ntu120': 64,
    'nw': 52,
    'k400': 100,
    'synthetic': 32,
    'penn': 64,
    'sbu': 32,
}
# Largest class and imbalance ratio.
LONG_TAIL = {
    'ntu60-xsub-lt': (600, 100),
    'ntu60-xview-lt': (600, 100),
    'ntu120-xsub-lt': (600, 100),
    'ntu120-xset-lt': (400, 100),
    'nw-ucla-lt': (100, 10),
    'synthetic-lt': (150, 30),
}

# What a leaf's method makes of the mixer: its class, its settings, the class
# and the settings of its estimator.
ST_MIX = dict(
    spatial='parts',
    temporal='resampled',
    size_range=(2, 3),
    mixup_prob=0.25,
    alpha=1,
)
SHAP_MIX = dict(ST_MIX, temperature=0.2, normalize='l1', scale=1)
RELEASED = dict(SHAP_MIX, normalize='none', scale=10)
PASTE = dict(mixup_prob=0, temporal='copied')
SHARES = dict(PASTE, window=(7 / 16, 11 / 16))
MARGINAL = dict(momentum=0.9, clamp=False)
MIXERS = {
    'ce': None,
    'balanced-softmax': None,
    'mixup': ('Mixup', dict(mixup_prob=1, alpha=1)),
    'cutmix': ('CutMix', dict(SHARES, spatial='joints', size_range=(10, 15))),
    'skelemix': ('SkeleMix', dict(SHARES, spatial='parts', size_range=(2, 3))),
    'skeletonmix': ('SkeletonMix', dict(PASTE, spatial='halves')),
    'stmix': ('STMix', ST_MIX),
    'shapmix': ('ShapMix', SHAP_MIX, 'MarginalContributions', MARGINAL),
    'shapmix-values': ('ShapMix', SHAP_MIX, 'CoalitionValues', {}),
    'shapmix-released': (
        'ShapMix',
        RELEASED,
        'MarginalContributions',
        dict(MARGINAL, clamp=True),
    ),
    'gradcam': ('ShapMix', SHAP_MIX, 'GradCAM', {}),
}
PARTIAL = dict(PASTE, spatial='halves', fraction=1 / 16, k=3)
PARTIAL_MIX = ('RebalancedPartialMix', PARTIAL)

# BRL's methods: whether they mix, whether they sample rare classes more often,
# and the loss, if it is not cross-entropy from the first step on.
PLAIN = dict(type='CrossEntropyLoss')
FOCAL = dict(type='mmshapmix.LongTailLoss', gamma=2)
WEIGHTED = dict(
    type='mmshapmix.LongTailLoss', class_weight='inverse_frequency'
)
ACTION_AWARE = dict(type='mmshapmix.ActionAwareLoss', upsilon=0.99, lam=0.0099)


def detached(late):
    return dict(type='mmshapmix.DeferredLoss', late=late)


BRL_METHODS = {
    'ce': (False, False, PLAIN),
    'rpm': (True, False, PLAIN),
    'trp': (False, True, PLAIN),
    'stae': (True, True, PLAIN),
    'stae-focal': (True, True, FOCAL),
    'stae-weighted': (True, True, WEIGHTED),
    'stae-action-aware': (True, True, ACTION_AWARE),
    'stae-detached-focal': (True, True, detached(FOCAL)),
    'stae-detached-weighted': (True, True, detached(WEIGHTED)),
    'brl': (True, True, detached(ACTION_AWARE)),
    'brl-released': (True, True, detached(ACTION_AWARE)),
}
for method, (mixes, _, _) in BRL_METHODS.items():
    MIXERS[method] = PARTIAL_MIX if mixes else None


def cosine(epoch, epochs, least=0.0):
    return least + (1 - least) * (1 + np.cos(np.pi * epoch / epochs)) / 2


def steps(*milestones):
    """A linear start over 5 epochs, then a tenth at each milestone."""

    def factor(epoch, epochs):
        start = np.minimum((epoch // 1 + 1) / 5, 1)
        return start * 0.1 ** (epoch[:, None] >= milestones).sum(1)

    return factor


class Recipe(NamedTuple):
    """How a leaf trains: a rate of 0.1 at ``batch``, times a factor."""

    passes: int
    times: int  # passes of an epoch
    batch: int
    weight_decay: float
    factor: Callable  # of each iteration's epoch, and of how many there are


BRL = Recipe(120, 5, 128, 5e-4, cosine)
SHORT = Recipe(15, 5, 32, 5e-4, cosine)
RECIPES = {
    ('baseline', 'lt'): BRL,
    ('baseline', 'k400'): BRL,
    ('baseline', 'natural'): BRL,
    ('baseline', 'synthetic'): SHORT,
    ('shapmix', 'lt'): Recipe(100, 1, 64, 4e-4, steps(60, 80)),
    ('shapmix', 'balanced'): Recipe(65, 1, 64, 4e-4, steps(35, 55)),
    ('shapmix', 'k400'): Recipe(
        70, 1, 80, 5e-4, lambda epoch, epochs: cosine(epoch // 1, epochs, 1e-3)
    ),
    ('shapmix', 'synthetic'): SHORT._replace(times=1),
    ('brl', 'lt'): BRL,
    ('brl', 'balanced'): BRL,
    ('brl', 'k400'): BRL,
    ('brl', 'natural'): BRL,
    ('brl', 'synthetic'): SHORT,
}


class Name(NamedTuple):
    """What a leaf's path says."""

    folder: str
    model: str
    method: str
    stream: str
    data: str

    @classmethod
    def of(cls, path):
        return cls(path.parent.name, *path.stem.split('_'))

    @property
    def kind(self):
        """Which row of the recipes."""
        known = {
            'k400-2d': 'k400',
            'synthetic-lt': 'synthetic',
            'penn-action': 'natural',
            'sbu': 'natural',
        }
        return known.get(self.data, 'lt' if '-lt' in self.data else 'balanced')

    @property
    def long_tail(self):
        """Largest class and imbalance ratio; none if it has no tail."""
        if '-lt' not in self.data:
            return None
        return LONG_TAIL[self.data.removesuffix('-2d').removesuffix('-3d')]

    @property
    def clip_len(self):
        return CLIP_LEN[self.data.split('-')[0]]

    @property
    def recipe(self):
        return RECIPES[self.folder, self.kind]
