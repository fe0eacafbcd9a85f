# Remix (arXiv 2007.03943); joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.remix
)
model = dict(
    cls_head=dict(type='mmshapmix.MixedGCNHead'),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
