# ST-GCN++ with STAE and action-aware loss (Table VI); joint stream, NW-UCLA-
# LT.
_base_ = ['../_base_/data/nw-ucla-lt.py', '../_base_/brl.py']

clip_len = 64  # of 300, 100, 64, 50, 32 and 16 the best in section III-B2
train_pipeline = _base_.train_pipeline
val_pipeline, test_pipeline = _base_.val_pipeline, _base_.test_pipeline
feature = dict(type='mmshapmix.GenSkeFeat', layout=_base_.layout, feats=['j'])
frames = dict(type='UniformSampleFrames', clip_len=clip_len)
test_frames = dict(frames, num_clips=10, test_mode=True)
train_pipeline[-5:-3] = [*_base_.augmentation, feature, frames]
val_pipeline[-5:-3] = [feature, dict(frames, test_mode=True)]
test_pipeline[-5:-3] = [feature, test_frames]

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.partial_mix
)
model = dict(
    cls_head=dict(
        type='mmshapmix.MixedGCNHead', loss_cls=_base_.action_aware_loss
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
train_dataloader = dict(
    sampler=_base_.reverse_sampler,
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
