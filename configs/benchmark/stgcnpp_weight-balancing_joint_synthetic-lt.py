# Weight balancing (arXiv 2203.14197), second stage, from the checkpoint of
# ce-weight-decay: class-balanced loss, weight decay, MaxNorm; joint stream,
# the synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(
    type='mmshapmix.FrozenRecognizerGCN',
    cls_head=dict(loss_cls=_base_.cb_loss),
)
optim_wrapper = _base_.weight_balancing_optim_wrapper
train_cfg = _base_.second_stage_cfg
default_hooks = _base_.max_norm_hooks
