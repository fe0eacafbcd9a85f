# ST-GCN++ with cross-entropy, joint stream, NW-UCLA-LT.
_base_ = ['../_base_/stgcnpp_3d.py', '../_base_/nw-ucla.py']

# What you may want to change.
ann_file = 'data/skeleton/nwucla.pkl'
train_split, val_split = 'xview_train', 'xview_val'
num_classes = 10
long_tail = dict(max_per_class=100, imbalance_ratio=10, seed=0)
batch_size = 16  # of one process
max_epochs = 24  # of 5 passes each

layout = dict(_delete_=True, **_base_.nw_ucla_graph)
train_pipeline = _base_.nw_ucla_train_pipeline
val_pipeline = _base_.nw_ucla_test_pipeline
test_pipeline = _base_.nw_ucla_test_pipeline

model = dict(
    backbone=dict(graph_cfg=dict(layout=layout)),
    cls_head=dict(num_classes=num_classes),
)
data = dict(ann_file=ann_file, num_classes=num_classes)
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        dataset=dict(
            split=train_split,
            long_tail=long_tail,
            layout='nw-ucla',
            pipeline=train_pipeline,
            **data,
        )
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        split=val_split, layout='nw-ucla', pipeline=val_pipeline, **data
    ),
)
test_dataloader = dict(
    dataset=dict(
        split=val_split, layout='nw-ucla', pipeline=test_pipeline, **data
    )
)
train_cfg = dict(max_epochs=max_epochs)
