# Remix-DRW (arXiv 2007.03943): class-balanced weights for the last fifth of
# the training; joint stream, NTU120-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.remix
)
model = dict(
    cls_head=dict(
        type='mmshapmix.MixedGCNHead', loss_cls=_base_.remix_drw_loss
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
default_hooks = _base_.drw_hooks
