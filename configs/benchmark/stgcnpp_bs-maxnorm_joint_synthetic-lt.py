# Balanced softmax and MaxNorm (arXiv 2203.14197, Table 1 of Shap-Mix), second
# stage, from the checkpoint of balanced-softmax; joint stream, the synthetic
# set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(
    type='mmshapmix.FrozenRecognizerGCN',
    cls_head=dict(loss_cls=_base_.balanced_softmax_loss),
)
train_cfg = _base_.second_stage_cfg
default_hooks = _base_.max_norm_hooks
