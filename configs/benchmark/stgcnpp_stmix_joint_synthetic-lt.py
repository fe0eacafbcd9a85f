# ST-Mix with balanced softmax: "Random" of Shap-Mix's Table 8; joint stream,
# the synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

mixer = dict(
    num_classes=_base_.num_classes, layout=_base_.layout, **_base_.stmix
)
model = dict(
    cls_head=dict(
        type='mmshapmix.MixedGCNHead', loss_cls=_base_.balanced_softmax_loss
    ),
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
)
