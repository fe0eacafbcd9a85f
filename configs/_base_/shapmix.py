# Shap-Mix's training (arXiv 2407.12312, section 4.2 and appendix A; released
# configs). It is listed beside a data set's base and defines no key that one
# has: a leaf says what it takes.

# Appendix A.3 says a learning rate of 1e-4; the released configs have 0.1,
# which is what trains. At a total batch of 64, whatever the processes.
shapmix_optim_wrapper = dict(optimizer=dict(lr=0.1, weight_decay=4e-4))
shapmix_auto_scale_lr = dict(base_batch_size=64)

# CTR-GCN's learning rate: a linear start over 5 epochs, then two steps.
shapmix_param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, by_epoch=True, begin=0, end=5),
    dict(type='MultiStepLR', milestones=[60, 80], by_epoch=True),
]
# That of the released code for Kinetics: the same start, then a cosine by
# iteration over the other epochs, 65 of 70. So it takes 6 epochs or more.
shapmix_cosine_scheduler = [
    shapmix_param_scheduler[0],
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=1e-3,
        by_epoch=True,
        begin=5,
        convert_to_iter_based=True,
    ),
]
shapmix_train_cfg = dict(max_epochs=100)  # of one pass each
shapmix_saliency = dict(type='mmshapmix.SaliencyHook', warmup_epochs=5)

# CTR-GCN's preparation of NTU: centred, cropped, resized to 64 frames, turned.
shapmix_train_pipeline = [
    dict(type='PreNormalize3D', align_spine=False, align_shoulder=False),
    dict(type='mmshapmix.ResizeCrop', clip_len=64, share=(0.5, 1)),
    dict(type='mmshapmix.RandomRotate', degrees=(17.2, 17.2, 17.2)),  # 0.3 rad
    dict(type='mmshapmix.GenSkeFeat', layout='nturgb+d', feats=['j']),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs'),
]
shapmix_test_pipeline = [
    dict(type='PreNormalize3D', align_spine=False, align_shoulder=False),
    dict(type='mmshapmix.ResizeCrop', clip_len=64, share=0.95, test_mode=True),
    dict(type='mmshapmix.GenSkeFeat', layout='nturgb+d', feats=['j']),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs'),
]
shapmix_train_dataloader = dict(
    batch_size=64,  # of one process; the paper's total
    drop_last=True,  # as the released code; a leaf of other data, too
    dataset=dict(times=1, dataset=dict(pipeline=shapmix_train_pipeline)),
)
shapmix_val_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=shapmix_test_pipeline)
)
shapmix_test_dataloader = dict(dataset=dict(pipeline=shapmix_test_pipeline))
