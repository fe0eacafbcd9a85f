# ST-GCN++ with Shap-Mix, saliency from coalition values,
# joint stream, NW-UCLA-LT.
_base_ = [
    '../_base_/stgcnpp_3d.py',
    '../_base_/shapmix.py',
    '../_base_/nw-ucla.py',
]

# What you may want to change.
ann_file = 'data/skeleton/nwucla.pkl'
train_split, val_split = 'xview_train', 'xview_val'
num_classes = 10
long_tail = dict(max_per_class=100, imbalance_ratio=10, seed=0)
batch_size = 16  # of one process
max_epochs, milestones = 100, [60, 80]  # passes over the data
warmup_epochs = 5
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
mixer = dict(
    type='mmshapmix.ShapMix',
    num_classes=num_classes,
    layout='nw-ucla',
    guidance='shapley',
)

layout = dict(_delete_=True, **_base_.nw_ucla_graph)
train_pipeline = _base_.nw_ucla_train_pipeline
test_pipeline = _base_.nw_ucla_test_pipeline

model = dict(
    backbone=dict(graph_cfg=dict(layout=layout)),
    cls_head=dict(
        type='mmshapmix.MixedGCNHead',
        num_classes=num_classes,
        loss_cls=loss,
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
data = dict(ann_file=ann_file, num_classes=num_classes, layout='nw-ucla')
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
    dataset=dict(split=val_split, pipeline=test_pipeline, **data),
)
optim_wrapper = dict(optimizer=_base_.shapmix_optimizer)
auto_scale_lr = _base_.shapmix_auto_scale_lr
param_scheduler = [
    _base_.shapmix_start,
    dict(type='MultiStepLR', milestones=milestones, by_epoch=True),
]
train_cfg = dict(max_epochs=max_epochs)
default_hooks = dict(
    saliency=dict(type='mmshapmix.SaliencyHook', warmup_epochs=warmup_epochs)
)
