# STAE and weighted loss (Table VI of BRL).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='stae-weighted')

loss = dict(type='mmshapmix.LongTailLoss', class_weight='inverse_frequency')
mixer = dict(type='mmshapmix.RebalancedPartialMix', k=3, fraction=1 / 16)
model = dict(
    data_preprocessor=dict(blending=mixer),
    cls_head=dict(type=_base_.mixed_head, loss_cls=loss),
)
train_dataloader = dict(sampler=dict(type='mmshapmix.ReverseFrequencySampler'))
