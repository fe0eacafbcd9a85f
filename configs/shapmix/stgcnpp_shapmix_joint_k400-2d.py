# ST-GCN++ with Shap-Mix as in the paper,
# joint stream, Kinetics-400, HRNet 2-D.
_base_ = ['../_base_/stgcnpp_2d.py', '../_base_/shapmix.py']

# What you may want to change.
ann_file = 'data/skeleton/k400_2d.pkl'
data_prefix = dict(skeleton='data/skeleton/kpfiles')
train_split, val_split = 'train', 'val'  # as long-tailed as it is
num_classes = 400
clip_len = 100
batch_size = 80  # of one process; the released code's total
max_epochs = 70  # passes over the data
warmup_epochs = 5
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
# The released code has a window of 13 to 20 of 25 blocks of frames.
mixer = dict(
    type='mmshapmix.ShapMix',
    num_classes=num_classes,
    layout='coco',
    guidance=dict(type='mmshapmix.MarginalContributions'),
)

decompress = dict(type='DecompressPose', squeeze=True)
train_pipeline = [decompress, *_base_.train_pipeline]
test_pipeline = [decompress, *_base_.val_pipeline]
train_pipeline[3].clip_len = test_pipeline[3].clip_len = clip_len

model = dict(
    cls_head=dict(
        type='mmshapmix.MixedGCNHead',
        num_classes=num_classes,
        loss_cls=loss,
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
data = dict(
    ann_file=ann_file, num_classes=num_classes, data_prefix=data_prefix
)
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        times=1,
        dataset=dict(
            split=train_split,
            pipeline=train_pipeline,
            **data,
        ),
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(split=val_split, pipeline=test_pipeline, **data),
)
test_dataloader = dict(
    dataset=dict(split=val_split, pipeline=test_pipeline, **data),
)
optim_wrapper = dict(optimizer=dict(lr=0.1, weight_decay=5e-4))
auto_scale_lr = dict(base_batch_size=80)
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min_ratio=1e-3, by_epoch=True)
]
train_cfg = dict(max_epochs=max_epochs)
default_hooks = dict(
    saliency=dict(type='mmshapmix.SaliencyHook', warmup_epochs=warmup_epochs)
)
