# SBU Kinect Interaction, two persons, 3-D, five folds.
_base_ = '../stgcnpp_3d.py'

# What you may want to change.
ann_file = 'data/skeleton/sbu.pkl'
fold = 0
train_split, val_split = f'fold{fold}_train', f'fold{fold}_val'
num_classes = 8
clip_len = 32  # six of seven sequences are shorter

# fmt: off
# The row 'sbu' of mmshapmix.functional.layouts; a test compares them.
layout = 'sbu'
graph = dict(
    num_node=15,
    inward=[(0, 1), (2, 1), (3, 1), (4, 3), (5, 4), (6, 1), (7, 6), (8, 7),
            (9, 2), (10, 9), (11, 10), (12, 2), (13, 12), (14, 13)],
    center=1)
# fmt: on

features = [dict(type='mmshapmix.GenSkeFeat', layout=layout, feats=['j'])]
prepare = [dict(type='mmshapmix.PreNormalize3D', layout=layout), *features]
# As UniformSampleFrames, which would loop the many sequences that are shorter.
frames = dict(
    type='mmshapmix.SortedSampleFrames', clip_len=clip_len, segments=True
)
pack = _base_.train_pipeline[3:]
train_pipeline = [*prepare, frames, *pack]
val_pipeline = test_pipeline = [*prepare, dict(frames, test_mode=True), *pack]

augmentation = _base_.augmentation
augmentation[2].layout = layout

model = dict(
    backbone=dict(graph_cfg=dict(layout=dict(_delete_=True, **graph))),
    cls_head=dict(num_classes=num_classes),
)
data = dict(ann_file=ann_file, num_classes=num_classes, layout=layout)
train_data = dict(split=train_split, pipeline=train_pipeline, **data)
val_data = dict(split=val_split, pipeline=val_pipeline, **data)
train_dataloader = dict(dataset=dict(dataset=train_data))
val_dataloader = dict(dataset=val_data)
test_dataloader = dict(dataset=val_data)
