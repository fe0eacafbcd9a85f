# Class-balanced focal loss (arXiv 1901.05555); joint stream, the synthetic
# set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.cb_focal_head)
