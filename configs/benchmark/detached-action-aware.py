# Detached action-aware loss of BRL (arXiv 2308.14024): cross-entropy, then the
# action-aware loss for the last sixth of the training.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='detached-action-aware')

lam = None if _base_.balanced else 0.0099
model = dict(
    cls_head=dict(
        loss_cls=dict(
            type='mmshapmix.DeferredLoss',
            late=dict(type='mmshapmix.ActionAwareLoss', upsilon=0.99, lam=lam),
        )
    )
)
default_hooks = dict(  # for the last 20 of 120 passes
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=5 / 6)
)
