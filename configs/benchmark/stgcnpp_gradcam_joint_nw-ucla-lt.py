# Mixing guided by Grad-CAM, with balanced softmax (Table 8 of Shap-Mix); joint
# stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.gradcam
)
model = dict(
    cls_head=dict(
        type='mmshapmix.MixedGCNHead', loss_cls=_base_.balanced_softmax_loss
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
default_hooks = _base_.saliency_hooks
