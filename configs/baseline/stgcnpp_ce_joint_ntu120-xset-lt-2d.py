# ST-GCN++ with cross-entropy, joint stream, NTU120-LT X-set, HRNet 2-D.
_base_ = '../_base_/stgcnpp_2d.py'

# What you may want to change.
ann_file = 'data/skeleton/ntu120_2d.pkl'
train_split, val_split = 'xset_train', 'xset_val'
num_classes = 120
long_tail = dict(max_per_class=400, imbalance_ratio=100, seed=0)
batch_size = 16  # of one process
max_epochs = 24  # of 5 passes each

model = dict(cls_head=dict(num_classes=num_classes))
data = dict(ann_file=ann_file, num_classes=num_classes)
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(dataset=dict(split=train_split, long_tail=long_tail, **data)),
)
val_dataloader = dict(
    batch_size=batch_size, dataset=dict(split=val_split, **data)
)
test_dataloader = dict(dataset=dict(split=val_split, **data))
train_cfg = dict(max_epochs=max_epochs)
