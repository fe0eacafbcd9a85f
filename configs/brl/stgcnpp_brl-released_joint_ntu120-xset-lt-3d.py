# ST-GCN++ with BRL, with the switch and the flip of the release;
# joint stream, NTU120-LT X-set, 3-D.
_base_ = ['../_base_/data/ntu120-xset-lt-3d.py', '../_base_/brl.py']

clip_len = 64  # of 300, 100, 64, 50, 32 and 16 the best in section III-B2
train_pipeline = _base_.train_pipeline
val_pipeline, test_pipeline = _base_.val_pipeline, _base_.test_pipeline
train_pipeline[-5:-5] = _base_.augmentation
train_pipeline[-6] = dict(
    type='mmshapmix.RandomSwapSides', layout=_base_.layout
)
for pipeline in (train_pipeline, val_pipeline, test_pipeline):
    pipeline[-5:-4] = _base_.features
    pipeline[-4].clip_len = clip_len

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.partial_mix
)
model = dict(
    cls_head=dict(
        type='mmshapmix.MixedGCNHead',
        loss_cls=_base_.detached_action_aware_loss,
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
train_dataloader = dict(
    sampler=_base_.reverse_sampler,
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
default_hooks = dict(
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=19)
)
