# STAE and detached focal loss (Table VI of BRL).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='stae-detached-focal')

loss = dict(
    type='mmshapmix.DeferredLoss',
    late=dict(type='mmshapmix.LongTailLoss', gamma=2),
)
mixer = dict(type='mmshapmix.RebalancedPartialMix', k=3, fraction=1 / 16)
model = dict(
    data_preprocessor=dict(blending=mixer),
    cls_head=dict(type=_base_.mixed_head, loss_cls=loss),
)
train_dataloader = dict(sampler=dict(type='mmshapmix.ReverseFrequencySampler'))
default_hooks = dict(  # for the last 20 of 120 passes
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=5 / 6)
)
