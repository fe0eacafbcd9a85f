# Focal loss (arXiv 1708.02002), sigmoid form; joint stream, the synthetic set,
# long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.focal_sigmoid_head)
