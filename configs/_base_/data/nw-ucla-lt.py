# NW-UCLA-LT, prepared as by CTR-GCN and BRL, 52 frames.
_base_ = '../stgcnpp_3d.py'

# What you may want to change.
ann_file = 'data/skeleton/nwucla.pkl'
train_split, val_split = 'xview_train', 'xview_val'
num_classes = 10
long_tail = dict(max_per_class=100, imbalance_ratio=10, seed=0)
clip_len = 52

# fmt: off
# The row 'nw-ucla' of mmshapmix.functional.layouts; a test compares them.
layout = 'nw-ucla'
graph = dict(
    num_node=20,
    inward=[(0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6), (8, 2),
            (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13), (15, 14),
            (16, 0), (17, 16), (18, 17), (19, 18)],
    center=2)
# fmt: on

features = [dict(type='mmshapmix.GenSkeFeat', layout=layout, feats=['j'])]
train_pipeline = [
    # Drawn anew for every visit. BRL's release turns each sequence once, when
    # it writes its files.
    dict(type='mmshapmix.RandomRotate', degrees=(60, 60, 0)),
    dict(type='mmshapmix.MinMaxNormalize'),
    *features,
    dict(type='mmshapmix.SortedSampleFrames', clip_len=clip_len),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs'),
]
val_pipeline = test_pipeline = [
    dict(type='mmshapmix.MinMaxNormalize'),
    *features,
    dict(
        type='mmshapmix.SortedSampleFrames', clip_len=clip_len, test_mode=True
    ),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs'),
]

# It is turned by 60 degrees anyway.
augmentation = [
    dict(type='mmshapmix.RandomScale', scale=0.1),
    dict(type='mmshapmix.RandomFlip', layout=layout),
]

model = dict(
    backbone=dict(graph_cfg=dict(layout=dict(_delete_=True, **graph))),
    cls_head=dict(num_classes=num_classes),
)
data = dict(ann_file=ann_file, num_classes=num_classes, layout=layout)
train_data = dict(
    split=train_split, long_tail=long_tail, pipeline=train_pipeline, **data
)
val_data = dict(split=val_split, pipeline=val_pipeline, **data)
train_dataloader = dict(dataset=dict(dataset=train_data))
val_dataloader = dict(dataset=val_data)
test_dataloader = dict(dataset=val_data)
