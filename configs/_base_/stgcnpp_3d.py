# ST-GCN++ on 3-D skeletons, long-tailed: MMAction2's config with our data set,
# sampler, metric and hooks, trained as BRL (arXiv 2308.14024, section IV-B).
# The files in data/ say which data, the leaves which method: more levels of
# inheritance than usual, for which all methods of a data set share the rest.
_base_ = 'mmaction::skeleton/stgcnpp/stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'  # noqa: E501

# Makes MMAction2's own tools find and mend everything, too.
custom_imports = dict(imports=['mmshapmix'], allow_failed_imports=False)

layout = 'nturgb+d'
clip_len = 64
train_pipeline = _base_.train_pipeline
val_pipeline = _base_.val_pipeline
test_pipeline = _base_.test_pipeline
for pipeline in (train_pipeline, val_pipeline, test_pipeline):
    pipeline[2].clip_len = clip_len

# For the leaves that take them, not used here: what BRL (section III-A) finds
# useful before the features, and features with the skip modality.
augmentation = [
    dict(type='mmshapmix.RandomScale', scale=0.1),
    dict(type='mmshapmix.RandomRotate', degrees=(17.2, 17.2, 17.2)),  # 0.3 rad
    dict(type='mmshapmix.RandomFlip', layout=layout),
]
features = [dict(type='mmshapmix.GenSkeFeat', layout=layout, feats=['j'])]

pose_dataset = dict(type='mmshapmix.LongTailPoseDataset', layout=layout)
train_dataloader = dict(
    batch_size=16,  # of one process
    sampler=dict(_delete_=True, type='mmshapmix.ShuffleSampler'),
    dataset=dict(dataset=dict(pipeline=train_pipeline, **pose_dataset)),
)
val_dataloader = dict(
    batch_size=16, dataset=dict(pipeline=val_pipeline, **pose_dataset)
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **pose_dataset))

val_evaluator = [dict(type='mmshapmix.LongTailMetric')]
test_evaluator = val_evaluator

# The rate is 0.1 * (processes * batch_size) / 128, whatever they are.
optim_wrapper = dict(
    optimizer=dict(
        type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
)
# Without T_max it ends with the training, however long that is.
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        eta_min=0,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
auto_scale_lr = dict(enable=True, base_batch_size=128)

train_cfg = dict(max_epochs=24)  # of 5 passes each

# In default_hooks, a dict, so that a child adds to them.
default_hooks = dict(
    class_counts=dict(type='mmshapmix.ClassCountsHook'),
    data_check=dict(type='mmshapmix.DataCheckHook'),
    per_class_table=dict(type='mmshapmix.PerClassTableHook'),
    published_checkpoint=dict(type='mmshapmix.PublishedCheckpointHook'),
    sampler_seed=dict(type='mmshapmix.SamplerSeedHook'),
    step_seed=dict(type='mmshapmix.StepSeedHook'),
)
