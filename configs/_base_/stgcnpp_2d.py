# The same on HRNet 2-D skeletons: what MMAction2's 2-D config has other than
# its 3-D one; a test compares them.
_base_ = 'stgcnpp_3d.py'

layout = 'coco'
train_pipeline = _base_.train_pipeline
val_pipeline = _base_.val_pipeline
test_pipeline = _base_.test_pipeline
for pipeline in (train_pipeline, val_pipeline, test_pipeline):
    pipeline[0].type = 'PreNormalize2D'
    pipeline[1].dataset = layout

augmentation = _base_.augmentation
augmentation[1].degrees = (0, 0, 17.2)  # in the plane
augmentation[2].layout = layout
features = [
    # Who is not there has no score, and lies in the middle, also when turned.
    dict(type='mmshapmix.HideInvisible', threshold=1e-6),
    dict(type='mmshapmix.GenSkeFeat', layout=layout, feats=['j']),
]

model = dict(backbone=dict(graph_cfg=dict(layout=layout)))
train_dataloader = dict(
    dataset=dict(dataset=dict(layout=layout, pipeline=train_pipeline))
)
val_dataloader = dict(dataset=dict(layout=layout, pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(layout=layout, pipeline=test_pipeline))
