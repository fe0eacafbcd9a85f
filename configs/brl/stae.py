# STAE: rebalanced partial mixup and reverse sampler (Tables VI and VII of
# BRL).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='stae')

mixer = dict(type='mmshapmix.RebalancedPartialMix', k=3, fraction=1 / 16)
model = dict(
    data_preprocessor=dict(blending=mixer),
    cls_head=dict(type=_base_.mixed_head),
)
train_dataloader = dict(sampler=dict(type='mmshapmix.ReverseFrequencySampler'))
