# Influence-balanced loss (arXiv 2110.02444) for the second half of the
# training, with a hundredth of the learning rate; joint stream, the synthetic
# set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.ib_head)
default_hooks = _base_.ib_hooks
