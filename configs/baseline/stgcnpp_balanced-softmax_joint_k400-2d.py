# ST-GCN++ with balanced softmax, joint stream, Kinetics-400, HRNet 2-D.
_base_ = '../_base_/stgcnpp_2d.py'

# What you may want to change.
ann_file = 'data/skeleton/k400_2d.pkl'
data_prefix = dict(skeleton='data/skeleton/kpfiles')
train_split, val_split = 'train', 'val'  # as long-tailed as it is
num_classes = 400
clip_len = 100
batch_size = 16  # of one process
max_epochs = 24  # of 5 passes each
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')

decompress = dict(type='DecompressPose', squeeze=True)
train_pipeline = [decompress, *_base_.train_pipeline]
train_pipeline[3].clip_len = clip_len
val_pipeline = [decompress, *_base_.val_pipeline]
val_pipeline[3].clip_len = clip_len
test_pipeline = [decompress, *_base_.test_pipeline]
test_pipeline[3].clip_len = clip_len

model = dict(cls_head=dict(num_classes=num_classes, loss_cls=loss))
data = dict(
    ann_file=ann_file, num_classes=num_classes, data_prefix=data_prefix
)
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        dataset=dict(split=train_split, pipeline=train_pipeline, **data)
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(split=val_split, pipeline=val_pipeline, **data),
)
test_dataloader = dict(
    dataset=dict(split=val_split, pipeline=test_pipeline, **data)
)
train_cfg = dict(max_epochs=max_epochs)
