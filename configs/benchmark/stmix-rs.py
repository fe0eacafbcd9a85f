# ST-Mix with re-sampling: cross-entropy, all classes equally often. An
# interpretation of Table 8 of Shap-Mix.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='stmix-rs')

model = dict(
    data_preprocessor=dict(blending=dict(type='mmshapmix.STMix')),
    cls_head=dict(type=_base_.mixed_head),
)
train_dataloader = dict(sampler=dict(type='mmshapmix.ClassBalancedSampler'))
