# Deferred re-weighting (arXiv 1906.07413): class-balanced weights for the last
# fifth of the training.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='drw')

model = dict(
    cls_head=dict(
        loss_cls=dict(
            type='mmshapmix.DeferredLoss',
            late=dict(
                type='mmshapmix.LongTailLoss',
                class_weight=dict(scheme='class_balanced', beta=0.9999),
            ),
        )
    )
)
default_hooks = dict(  # as epoch 160 of 200
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=0.8)
)
