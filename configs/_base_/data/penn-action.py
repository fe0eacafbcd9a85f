# Penn Action, 2-D in pixels, as imbalanced as it is.
_base_ = '../stgcnpp_2d.py'

# What you may want to change.
ann_file = 'data/skeleton/penn_action.pkl'
train_split, val_split = 'train', 'val'
num_classes = 15
clip_len = 64

# fmt: off
# The row 'penn-action' of mmshapmix.functional.layouts; a test compares them.
layout = 'penn-action'
graph = dict(
    num_node=13,
    inward=[(1, 0), (2, 0), (3, 1), (4, 2), (5, 3), (6, 4), (7, 1), (8, 2),
            (9, 7), (10, 8), (11, 9), (12, 10)],
    center=0)
# fmt: on

features = [dict(type='mmshapmix.GenSkeFeat', layout=layout, feats=['j'])]
prepare = [
    dict(type='PreNormalize2D'),
    dict(type='mmshapmix.HideInvisible'),  # a fifth of the joints
    *features,
]
# As UniformSampleFrames, which would loop the many sequences that are shorter.
frames = dict(
    type='mmshapmix.SortedSampleFrames', clip_len=clip_len, segments=True
)
pack = _base_.train_pipeline[3:]
pack[1].num_person = 1
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
