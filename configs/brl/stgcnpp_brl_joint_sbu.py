# ST-GCN++ with BRL: STAE and detached action-aware loss; joint stream, SBU.
_base_ = ['../_base_/data/sbu.py', '../_base_/brl.py']

clip_len = 32
train_pipeline = _base_.train_pipeline
val_pipeline, test_pipeline = _base_.val_pipeline, _base_.test_pipeline
train_pipeline[-5:-5] = _base_.augmentation
for pipeline in (train_pipeline, val_pipeline, test_pipeline):
    pipeline[-5:-4] = _base_.features
    pipeline[-4].clip_len = clip_len

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.partial_mix
)
model = dict(
    cls_head=dict(
        type='mmshapmix.MixedGCNHead',
        loss_cls=_base_.detached_action_aware_by_ratio_loss,
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
train_dataloader = dict(
    sampler=_base_.reverse_sampler,
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
default_hooks = _base_.detached_hooks
