# BRL's parts (arXiv 2308.14024). This file is listed beside a data set's base
# and defines no key that one has: a leaf says what it takes. The schedule of
# section IV-B, 120 passes and a cosine, is that of the bases.

# Section III-B, spatial-temporal action exploration: rebalanced partial mixup
# and, with uniform frames, temporal reverse perception.
partial_mix = dict(type='mmshapmix.RebalancedPartialMix', k=3, fraction=1 / 16)
reverse_sampler = dict(type='mmshapmix.ReverseFrequencySampler')

# Section III-C: the losses of Table VI, from the first step on or detached.
focal_loss = dict(type='mmshapmix.LongTailLoss', gamma=2)
weighted_loss = dict(
    type='mmshapmix.LongTailLoss', class_weight='inverse_frequency'
)
action_aware_loss = dict(
    type='mmshapmix.ActionAwareLoss', upsilon=0.99, lam=0.0099
)
deferred = dict(type='mmshapmix.DeferredLoss')
detached_focal_loss = dict(deferred, late=focal_loss)
detached_weighted_loss = dict(deferred, late=weighted_loss)
detached_action_aware_loss = dict(deferred, late=action_aware_loss)
# The last 20 of 120 passes. The released code begins one epoch of 5 earlier.
detached_hooks = dict(
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=5 / 6)
)
