# LDAM-DRW (arXiv 1906.07413): margins on cosines, class-balanced weights for
# the last fifth of the training, without the original's learning rate steps.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='ldam-drw')

margins = dict(type='mmshapmix.LDAMLoss', max_margin=0.5, scale=30)
weights = dict(scheme='class_balanced', beta=0.9999)
loss = dict(
    type='mmshapmix.DeferredLoss',
    early=margins,
    late=dict(margins, class_weight=weights),
)
model = dict(
    cls_head=dict(type='mmshapmix.CosineGCNHead', scale=30, loss_cls=loss)
)
default_hooks = dict(  # as epoch 160 of 200
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=0.8)
)
