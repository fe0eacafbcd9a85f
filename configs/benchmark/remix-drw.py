# Remix-DRW (arXiv 2007.03943): class-balanced weights for the last fifth of
# the training.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='remix-drw')

loss = dict(
    type='mmshapmix.DeferredLoss',
    late=dict(
        type='mmshapmix.LongTailLoss',
        class_weight=dict(scheme='class_balanced', beta=0.9999),
        reduction='mean',
    ),
)
model = dict(
    data_preprocessor=dict(
        blending=dict(type='mmshapmix.Remix', kappa=3, tau=0.5, alpha=1)
    ),
    cls_head=dict(type=_base_.mixed_head, loss_cls=loss),
)
default_hooks = dict(  # as epoch 160 of 200
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=0.8)
)
