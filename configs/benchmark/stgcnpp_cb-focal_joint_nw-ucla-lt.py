# Class-balanced focal loss (arXiv 1901.05555); joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.cb_focal_head)
