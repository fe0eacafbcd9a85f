# Weight balancing (arXiv 2203.14197): second stage from the checkpoint of
# ce-weight-decay, with class-balanced loss, weight decay and MaxNorm.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='weight-balancing')

weights = dict(scheme='class_balanced', beta=0.9999)
loss = dict(type='mmshapmix.LongTailLoss', class_weight=weights)
model = dict(
    type='mmshapmix.FrozenRecognizerGCN', cls_head=dict(loss_cls=loss)
)
# The weight decay of the first stage, with which the tail's rows of the
# classifier grow to the limit. The release has a weight decay of 0.1 with its
# own loss (`criterion='binary-softmax'`, `reduction='mean'`): all rows shrink
# below the limit, and MaxNorm does nothing.
optim_wrapper = dict(optimizer=dict(weight_decay=5e-3))
train_cfg = dict(max_epochs=2)  # 10 passes, 5 per epoch
default_hooks = dict(
    second_stage=dict(type='mmshapmix.SecondStageHook'),
    max_norm=dict(type='mmshapmix.MaxNormHook', share=0.1),
)
