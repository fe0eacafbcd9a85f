# Mixup (arXiv 1710.09412); joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.mixup
)
model = dict(
    cls_head=dict(type='mmshapmix.MixedGCNHead'),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
