# Learnable weight scaling (arXiv 1910.09217): second stage from the checkpoint
# of ce.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='lws')

model = dict(
    type='mmshapmix.FrozenRecognizerGCN',
    cls_head=dict(type='mmshapmix.ScaledGCNHead'),
)
train_dataloader = dict(sampler=dict(type='mmshapmix.ClassBalancedSampler'))
train_cfg = dict(max_epochs=2)  # 10 passes, 5 per epoch
default_hooks = dict(second_stage=dict(type='mmshapmix.SecondStageHook'))
