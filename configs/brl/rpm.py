# Rebalanced partial mixup alone (Table VI of BRL).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='rpm')

mixer = dict(type='mmshapmix.RebalancedPartialMix', k=3, fraction=1 / 16)
model = dict(
    data_preprocessor=dict(blending=mixer),
    cls_head=dict(type=_base_.mixed_head),
)
