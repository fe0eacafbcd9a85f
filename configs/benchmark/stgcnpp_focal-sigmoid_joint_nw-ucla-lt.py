# Focal loss (arXiv 1708.02002), sigmoid form; joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.focal_sigmoid_head)
