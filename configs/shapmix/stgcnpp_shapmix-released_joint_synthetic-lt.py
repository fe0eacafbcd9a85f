# ST-GCN++ with Shap-Mix with the released distribution,
# joint stream, synthetic set.
# Small and short, for a CPU: tools/data/make_synthetic.py makes the data.
_base_ = '../_base_/stgcnpp_3d.py'

# What you may want to change.
ann_file = 'data/skeleton/synthetic.pkl'
train_split, val_split = 'train', 'val'
num_classes = 16
long_tail = dict(max_per_class=150, imbalance_ratio=30, seed=0)
clip_len = 32
batch_size = 32  # of one process
max_epochs = 15  # passes over the data
warmup_epochs = 3
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
mixer = dict(
    type='mmshapmix.ShapMix',
    num_classes=num_classes,
    guidance=dict(type='mmshapmix.MarginalContributions', clamp=True),
    normalize='none',
    scale=10,
)

train_pipeline = _base_.train_pipeline
test_pipeline = _base_.val_pipeline
for pipeline in (train_pipeline, test_pipeline):
    pipeline[2].clip_len = clip_len
    pipeline[4].num_person = 1

model = dict(
    backbone=dict(
        base_channels=16,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
    ),
    cls_head=dict(
        type='mmshapmix.MixedGCNHead',
        num_classes=num_classes,
        in_channels=64,
        loss_cls=loss,
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
data = dict(ann_file=ann_file, num_classes=num_classes)
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        times=1,
        dataset=dict(
            split=train_split,
            long_tail=long_tail,
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
    batch_size=batch_size,
    dataset=dict(split=val_split, pipeline=test_pipeline, **data),
)
train_cfg = dict(max_epochs=max_epochs)
auto_scale_lr = dict(base_batch_size=batch_size)
default_hooks = dict(
    logger=dict(interval=20),
    saliency=dict(type='mmshapmix.SaliencyHook', warmup_epochs=warmup_epochs),
)
