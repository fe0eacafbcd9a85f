# NTU60-LT X-sub, 3-D.
_base_ = '../stgcnpp_3d.py'

# What you may want to change.
ann_file = 'data/skeleton/ntu60_3d.pkl'
train_split, val_split = 'xsub_train', 'xsub_val'
num_classes = 60
long_tail = dict(max_per_class=600, imbalance_ratio=100, seed=0)

model = dict(cls_head=dict(num_classes=num_classes))
data = dict(ann_file=ann_file, num_classes=num_classes)
train_data = dict(split=train_split, long_tail=long_tail, **data)
val_data = dict(split=val_split, **data)
train_dataloader = dict(dataset=dict(dataset=train_data))
val_dataloader = dict(dataset=val_data)
test_dataloader = dict(dataset=val_data)
