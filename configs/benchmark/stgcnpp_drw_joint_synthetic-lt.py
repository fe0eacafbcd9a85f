# Deferred re-weighting (arXiv 1906.07413): class-balanced weights for the last
# fifth of the training; joint stream, the synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=dict(loss_cls=_base_.drw_loss))
default_hooks = _base_.drw_hooks
