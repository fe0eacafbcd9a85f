# ST-Mix with re-sampling, an interpretation of Table 8 of Shap-Mix:
# cross-entropy, all classes equally often; joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.stmix
)
model = dict(
    cls_head=dict(type='mmshapmix.MixedGCNHead'),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
train_dataloader = dict(sampler=_base_.class_balanced_sampler)
