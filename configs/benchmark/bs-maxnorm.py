# Balanced softmax and MaxNorm (arXiv 2203.14197, Table 1 of Shap-Mix): second
# stage from the checkpoint of balanced-softmax.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='bs-maxnorm')

model = dict(
    type='mmshapmix.FrozenRecognizerGCN',
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss')),
)
train_cfg = dict(max_epochs=2)  # 10 passes, 5 per epoch
default_hooks = dict(
    second_stage=dict(type='mmshapmix.SecondStageHook'),
    max_norm=dict(type='mmshapmix.MaxNormHook', share=0.1),
)
