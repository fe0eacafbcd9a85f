# STAE and action-aware loss (Table VI of BRL).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='stae-action-aware')

# Eq. (7) of the paper; for nearly balanced data, lambda from the class counts.
lam = None if _base_.balanced else 0.0099
loss = dict(type='mmshapmix.ActionAwareLoss', upsilon=0.99, lam=lam)
mixer = dict(type='mmshapmix.RebalancedPartialMix', k=3, fraction=1 / 16)
model = dict(
    data_preprocessor=dict(blending=mixer),
    cls_head=dict(type=_base_.mixed_head, loss_cls=loss),
)
train_dataloader = dict(sampler=dict(type='mmshapmix.ReverseFrequencySampler'))
