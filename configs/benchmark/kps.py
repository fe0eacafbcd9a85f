# Key point sensitive loss (10.1109/TPAMI.2022.3196044), with adjusted
# gradients for the last 40 % of the training.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='kps')

margins = dict(type='mmshapmix.KPSLoss', scale=15, max_margin=0.2)
model = dict(
    cls_head=dict(
        type='mmshapmix.CosineGCNHead',
        scale=15,
        loss_cls=dict(
            type='mmshapmix.DeferredLoss',
            early=margins,
            late=dict(margins, adjust_gradients=True),
        ),
    )
)
default_hooks = dict(  # as epoch 120 of 200
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=0.6)
)
