"""Expected properties of the trainings in configs/, as tables."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

STREAMS = {
    'joint': 'j',
    'bone': 'b',
    'skip': 'k',
    'joint-motion': 'jm',
    'bone-motion': 'bm',
    'skip-motion': 'km',
}

# Keys are the first words of data sets.
CLIP_LEN = {
    'ntu60': 64,
    'ntu120': 64,
    'nw': 52,
    'k400': 100,
    'synthetic': 32,
    'penn': 64,
    'sbu': 32,
}
# Size of the largest class and imbalance ratio.
LONG_TAIL = {
    'ntu60-xsub-lt': (600, 100),
    'ntu60-xview-lt': (600, 100),
    'ntu120-xsub-lt': (600, 100),
    'ntu120-xset-lt': (400, 100),
    'nw-ucla-lt': (100, 10),
    'synthetic-lt': (150, 30),
}

# The mixer of each method: class, settings, and the class and settings of its
# estimator.
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
    'mixup-added': ('Mixup', dict(mixup_prob=1, alpha=1)),
    'remix': ('Remix', dict(mixup_prob=1, alpha=1, kappa=3, tau=0.5)),
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
# and the loss, unless it is cross-entropy from the first step on.
PLAIN = dict(type='CrossEntropyLoss')
FOCAL = dict(type='mmshapmix.LongTailLoss', gamma=2)
WEIGHTED = dict(
    type='mmshapmix.LongTailLoss', class_weight='inverse_frequency'
)
ACTION_AWARE = dict(type='mmshapmix.ActionAwareLoss', upsilon=0.99, lam=0.0099)
BY_RATIO = dict(ACTION_AWARE, lam=None)


def detached(late):
    return dict(type='mmshapmix.DeferredLoss', late=late)


BRL_METHODS = {
    'ce': (False, False, PLAIN),
    'ce-equal': (False, False, PLAIN),
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
for method, (is_mixed, _, _) in BRL_METHODS.items():
    MIXERS[method] = PARTIAL_MIX if is_mixed else None


# The methods of the benchmark: their settings in addition to cross-entropy, by
# place in the config. The rest is that of cross-entropy in configs/brl.
CB = dict(scheme='class_balanced', beta=0.9999)
CB_LOSS = dict(type='mmshapmix.LongTailLoss', class_weight=CB)
SIGMOID = dict(type='mmshapmix.LongTailLoss', criterion='sigmoid')
BALANCED = dict(type='mmshapmix.BalancedSoftmaxLoss')
LDAM = dict(type='mmshapmix.LDAMLoss', max_margin=0.5, scale=30)
KPS = dict(type='mmshapmix.KPSLoss', scale=15, max_margin=0.2)
TAIL_SHARE = {
    'ntu60': 0.005,
    'ntu120': 0.0025,
    'nw': 0.05,
    'synthetic': 0.0281,
}


def head(kind, loss, **options):
    return {
        'model.cls_head.type': f'mmshapmix.{kind}',
        'model.cls_head.loss_cls': loss,
        **{f'model.cls_head.{k}': option for k, option in options.items()},
    }


def one_vs_all(loss, activation='sigmoid'):
    return head('OneVsAllGCNHead', loss, activation=activation)


def loss(settings):
    return {'model.cls_head.loss_cls': settings}


def hook(name, kind, **options):
    return {f'default_hooks.{name}': dict(type=f'mmshapmix.{kind}', **options)}


def stage(begin, **options):
    return hook('deferred_loss', 'DeferredLossHook', begin=begin, **options)


def draws(kind, **options):
    return {
        'train_dataloader.sampler': dict(type=f'mmshapmix.{kind}', **options)
    }


def power(number):
    return draws(
        'ReverseFrequencySampler', rule='power', power=number, keep_length=True
    )


def mixes(kind, loss=None, **options):
    """The classes and the layout are those of the data."""
    mixer = dict(type=f'mmshapmix.{kind}', **options)
    return {
        'model.cls_head.type': 'mmshapmix.MixedGCNHead',
        'model.data_preprocessor.blending': mixer,
        **({'model.cls_head.loss_cls': loss} if loss else {}),
    }


def second(reinitialize=False):
    options = dict(reinitialize=True) if reinitialize else {}
    return {
        'model.type': 'mmshapmix.FrozenRecognizerGCN',
        'train_cfg.max_epochs': 2,
        **hook('second_stage', 'SecondStageHook', **options),
    }


REVERSE = dict(type='mmshapmix.ReverseFrequencySampler')
EQUAL = draws('ShuffleSampler', same_length_as=REVERSE)
SALIENCY = hook('saliency', 'SaliencyHook', warmup_epochs=5)
DRW = stage(0.8)
EQUALLY = draws('ClassBalancedSampler')
MAX_NORM = {**second(), **hook('max_norm', 'MaxNormHook', share=0.1)}
MORE_DECAY = {'optim_wrapper.optimizer.weight_decay': 5e-3}
SHAPLEY = dict(type='mmshapmix.MarginalContributions')
REMIX = dict(kappa=3, tau=0.5, alpha=1)
BENCHMARK = {
    'ce': {},
    'ce-equal': EQUAL,
    'ce-weight-decay': MORE_DECAY,
    'weighted': loss(WEIGHTED),
    'focal': loss(FOCAL),
    'focal-sigmoid': one_vs_all(dict(SIGMOID, gamma=2)),
    'cb': loss(CB_LOSS),
    'cb-sigmoid': one_vs_all(dict(SIGMOID, class_weight=CB, reduction='mean')),
    'cb-focal': one_vs_all(
        dict(SIGMOID, gamma=2, class_weight=CB, reduction='mean')
    ),
    'action-aware': loss(ACTION_AWARE),
    'detached-action-aware': {**loss(detached(ACTION_AWARE)), **stage(5 / 6)},
    'drw': {**loss(detached(CB_LOSS)), **DRW},
    'ldam-drw': {
        **head(
            'CosineGCNHead',
            dict(detached(dict(LDAM, class_weight=CB)), early=LDAM),
            scale=30,
        ),
        **DRW,
    },
    'balanced-softmax': loss(BALANCED),
    'post-hoc': hook(
        'post_hoc', 'PostHocHook', correction='logit-adjustment', tau=1
    ),
    'equalization': loss(
        dict(type='mmshapmix.EqualizationLoss', drop_prob=0.9)
    ),
    'gumbel': one_vs_all(dict(type='mmshapmix.GumbelLoss'), 'gumbel'),
    'kps': {
        **head(
            'CosineGCNHead',
            dict(detached(dict(KPS, adjust_gradients=True)), early=KPS),
            scale=15,
        ),
        **stage(0.6),
    },
    'ib': {
        **head(
            'MixedGCNHead',
            detached(dict(type='mmshapmix.InfluenceBalancedLoss', alpha=1000)),
            pass_features=True,
        ),
        **stage(0.5, lr_factor=0.01),
    },
    'ros': power(1),
    'square-root': power(0.5),
    'progressive': draws('ProgressiveSampler'),
    'reverse': power(2),
    'mixup': mixes('Mixup', alpha=1, output='mixed'),
    'remix': mixes('Remix', **REMIX),
    'remix-drw': {
        **mixes('Remix', detached(dict(CB_LOSS, reduction='mean')), **REMIX),
        **DRW,
    },
    'crt': {**second(reinitialize=True), **EQUALLY},
    'lws': {
        **second(),
        **EQUALLY,
        'model.cls_head.type': 'mmshapmix.ScaledGCNHead',
    },
    'tau-norm': hook('post_hoc', 'PostHocHook', correction='tau-norm', tau=1),
    'weight-balancing': {**loss(CB_LOSS), **MAX_NORM, **MORE_DECAY},
    'bs-maxnorm': {**loss(BALANCED), **MAX_NORM},
    'stmix': mixes('STMix', BALANCED),
    'gradcam': {**mixes('ShapMix', BALANCED, guidance='grad-cam'), **SALIENCY},
    'shapmix': {
        **mixes('ShapMix', BALANCED, guidance=SHAPLEY),
        **SALIENCY,
    },
    'stmix-rs': {**mixes('STMix'), **EQUALLY},
    'gradcam-rs': {
        **mixes('ShapMix', guidance='grad-cam'),
        **SALIENCY,
        **EQUALLY,
    },
    'shapmix-rs': {
        **mixes('ShapMix', guidance=SHAPLEY),
        **SALIENCY,
        **EQUALLY,
    },
}


def cosine(epoch, epochs, least=0.0):
    return least + (1 - least) * (1 + np.cos(np.pi * epoch / epochs)) / 2


def start(epoch):
    """A linear start over 5 epochs."""
    return np.minimum((epoch // 1 + 1) / 5, 1)


def steps(*milestones):
    """A linear start, then a factor of 0.1 at each milestone."""

    def factor(epoch, epochs):
        return start(epoch) * 0.1 ** (epoch[:, None] >= milestones).sum(1)

    return factor


def late_cosine(epoch, epochs):
    """A linear start, then a cosine by iteration over the other epochs."""
    late = cosine(np.maximum(epoch - 5, 0), epochs - 5, 1e-3)
    return np.where(epoch < 5, start(epoch), late)


class Recipe(NamedTuple):
    """Recipe of a training: a rate of 0.1 at ``batch``, times a factor."""

    passes: int
    times: int  # passes per epoch
    batch: int
    weight_decay: float
    factor: Callable  # from the epoch of each iteration and all epochs


BRL = Recipe(120, 5, 128, 5e-4, cosine)
SHORT = Recipe(15, 5, 32, 5e-4, cosine)
RECIPES = {
    ('baseline', 'lt'): BRL,
    ('baseline', 'k400'): BRL,
    ('baseline', 'balanced'): BRL,
    ('baseline', 'synthetic'): SHORT,
    ('shapmix', 'lt'): Recipe(100, 1, 64, 4e-4, steps(60, 80)),
    ('shapmix', 'balanced'): Recipe(65, 1, 64, 4e-4, steps(35, 55)),
    ('shapmix', 'k400'): Recipe(70, 1, 80, 5e-4, late_cosine),
    ('shapmix', 'synthetic'): SHORT._replace(times=1),
    ('brl', 'lt'): BRL,
    ('brl', 'balanced'): BRL,
    ('brl', 'k400'): BRL,
    ('brl', 'synthetic'): SHORT,
    ('benchmark', 'lt'): BRL,
    ('benchmark', 'synthetic'): SHORT,
}

# By the first word of a name: settings of the backbone besides its graph, and
# settings of the head.
BACKBONES = {
    'ctrgcn': (dict(type='mmshapmix.CTRGCN'), {}),
    'aagcn': (dict(type='AAGCN'), {}),
    'infogcn': (
        dict(type='mmshapmix.InfoGCN', k=8),
        dict(type='mmshapmix.InfoGCNHead'),
    ),
    'hdgcn': (dict(type='mmshapmix.HDGCN'), {}),
    'msg3d': (dict(type='mmshapmix.MSG3D'), dict(in_channels=384)),
    'dgstgcn': (dict(type='mmshapmix.DGSTGCN'), {}),
}


class Name(NamedTuple):
    """The words of a training, and the table that has its method."""

    folder: str
    model: str
    method: str
    stream: str
    data: str

    @property
    def kind(self):
        """Row of the table of recipes."""
        known = {
            'k400-2d': 'k400',
            'synthetic-lt': 'synthetic',
            'penn-action': 'balanced',
            'sbu': 'balanced',
        }
        return known.get(self.data, 'lt' if '-lt' in self.data else 'balanced')

    @property
    def long_tail(self):
        """Largest class and imbalance ratio; ``None`` without a long tail."""
        if '-lt' not in self.data:
            return None
        return LONG_TAIL[re.sub('-([23]d|clean)$', '', self.data)]

    @property
    def clip_len(self):
        return CLIP_LEN[self.data.split('-')[0]]

    @property
    def recipe(self):
        recipe = RECIPES[self.folder, self.kind]
        own = self.settings
        epochs = own.get('train_cfg.max_epochs')
        decay = own.get('optim_wrapper.optimizer.weight_decay')
        return recipe._replace(
            passes=epochs * recipe.times if epochs else recipe.passes,
            weight_decay=decay or recipe.weight_decay,
        )

    @property
    def settings(self):
        """Settings of a benchmark row that cross-entropy does not have."""
        if self.folder != 'benchmark' or self.method == 'brl':
            return {}
        settings = dict(BENCHMARK[self.method])
        if self.method == 'equalization':
            share = TAIL_SHARE[self.data.split('-')[0]]
            settings = loss(
                settings['model.cls_head.loss_cls'] | dict(tail_share=share)
            )
        return settings

    @property
    def mixer(self):
        """Row of MIXERS, or ``None``."""
        if self.folder != 'benchmark':
            return MIXERS[self.method]
        return MIXERS.get(re.sub('-(rs|drw)$', '', self.method))

    @property
    def output(self):
        """The mixer's ``output``: whether mixed samples replace clean ones."""
        in_place = ('mixup', 'remix', 'remix-drw', 'brl')
        replaces = self.folder == 'benchmark' and self.method in in_place
        return 'mixed' if replaces or self.folder == 'brl' else 'both'

    @property
    def sampler(self):
        """Class of the sampler, and the settings of a sampler by frequency."""
        place = 'train_dataloader.sampler'
        sampler = dict(self.settings.get(place, dict(type='ShuffleSampler')))
        if self.method == 'ce-equal':
            sampler = dict(EQUAL[place])
        if self.method in BRL_METHODS and BRL_METHODS[self.method][1]:
            sampler = dict(REVERSE)
        return sampler.pop('type').removeprefix('mmshapmix.'), sampler

    @property
    def late(self):
        """Share of the training with a late loss; 0 if there is none."""
        hook = self.settings.get('default_hooks.deferred_loss')
        if hook:
            return 1 - hook['begin']
        if self.method == 'brl-released':
            return 5 / 24
        detached = ('brl', 'stae-detached-focal', 'stae-detached-weighted')
        return 1 / 6 if self.method in detached else 0
