# MMAction2's ST-GCN++ config for NTU60 X-sub, with Shap-Mix added.
_base_ = 'mmaction::skeleton/stgcnpp/stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'  # noqa: E501
custom_imports = dict(imports=['mmshapmix'], allow_failed_imports=False)
model = dict(
    data_preprocessor=dict(
        type='ActionDataPreprocessor', blending=dict(type='mmshapmix.ShapMix')
    ),
    cls_head=dict(
        type='mmshapmix.MixedGCNHead',
        loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'),
    ),
)
ours = dict(
    type='mmshapmix.LongTailPoseDataset', num_classes=60, layout='nturgb+d'
)
train_dataloader = dict(dataset=dict(dataset=ours))
default_hooks = dict(
    class_counts=dict(type='mmshapmix.ClassCountsHook'),
    seed=dict(type='mmshapmix.SeedHook'),
    saliency=dict(type='mmshapmix.SaliencyHook'),
)
