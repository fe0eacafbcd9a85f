# Detached action-aware loss of BRL (arXiv 2308.14024), for the last sixth of
# the training; joint stream, the synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=dict(loss_cls=_base_.detached_action_aware_loss))
default_hooks = _base_.detached_hooks
