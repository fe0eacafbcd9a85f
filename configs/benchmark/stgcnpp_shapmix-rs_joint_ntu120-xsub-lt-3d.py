# Shap-Mix with re-sampling, an interpretation of its Table 8: cross-entropy,
# all classes equally often; joint stream, NTU120-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.shapmix
)
model = dict(
    cls_head=dict(type='mmshapmix.MixedGCNHead'),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
train_dataloader = dict(sampler=_base_.class_balanced_sampler)
default_hooks = _base_.saliency_hooks
