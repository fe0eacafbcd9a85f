# Influence-balanced loss (arXiv 2110.02444) for the second half of the
# training, with a hundredth of the learning rate.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='ib')

model = dict(
    cls_head=dict(
        type=_base_.mixed_head,
        pass_features=True,
        loss_cls=dict(
            type='mmshapmix.DeferredLoss',
            late=dict(type='mmshapmix.InfluenceBalancedLoss', alpha=1000),
        ),
    )
)
default_hooks = dict(  # as epoch 100 of 200, with a hundredth of the rate
    deferred_loss=dict(
        type='mmshapmix.DeferredLossHook', begin=0.5, lr_factor=0.01
    )
)
