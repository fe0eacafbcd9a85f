# The embedded synthetic set, which tools/data/make_synthetic.py makes. A small
# model and a short training, for a CPU.
_base_ = '../stgcnpp_3d.py'

# What you may want to change.
ann_file = 'data/skeleton/synthetic.pkl'
train_split, val_split = 'train', 'val'
num_classes = 16
long_tail = dict(max_per_class=150, imbalance_ratio=30, seed=0)
clip_len = 32

train_pipeline = _base_.train_pipeline
val_pipeline = test_pipeline = _base_.val_pipeline
for pipeline in (train_pipeline, val_pipeline):
    pipeline[2].clip_len = clip_len
    pipeline[4].num_person = 1

model = dict(
    backbone=dict(
        base_channels=16,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
    ),
    cls_head=dict(num_classes=num_classes, in_channels=64),
)
data = dict(ann_file=ann_file, num_classes=num_classes)
train_data = dict(
    split=train_split, long_tail=long_tail, pipeline=train_pipeline, **data
)
val_data = dict(split=val_split, pipeline=val_pipeline, **data)
train_dataloader = dict(batch_size=32, dataset=dict(dataset=train_data))
val_dataloader = dict(batch_size=32, dataset=val_data)
test_dataloader = dict(batch_size=32, dataset=val_data)
auto_scale_lr = dict(base_batch_size=32)
train_cfg = dict(max_epochs=3)  # of 5 passes each
default_hooks = dict(logger=dict(interval=20))
