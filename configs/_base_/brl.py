# BRL's parts (arXiv 2308.14024). This file is listed beside a data set's base
# and defines no key that one has: a leaf says what it takes. Passes (120) and
# rate (0.1 * batch / 128, a cosine) are those of the bases. Section IV-B has a
# rate of 0.1 for the small batches of NW-UCLA (16) and Kinetics (32), too; the
# released configs scale it as here.

# Section III-B, spatial-temporal action exploration: rebalanced partial mixup
# and temporal reverse perception. In the released code an epoch grows by what
# rare classes are drawn more often, 2.5 times on NTU60-LT; here all methods
# have the same passes. The leaves brl-released have its epochs.
partial_mix = dict(type='mmshapmix.RebalancedPartialMix', k=3, fraction=1 / 16)
reverse_sampler = dict(
    type='mmshapmix.ReverseFrequencySampler', keep_length=True
)

# Section III-C: the losses of Table VI, from the first step on or detached,
# for the last 20 of 120 passes.
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
detached_hooks = dict(
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=5 / 6)
)
