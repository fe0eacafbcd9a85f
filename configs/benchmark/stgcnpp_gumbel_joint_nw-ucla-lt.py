# Gumbel optimised loss (arXiv 2207.10936); joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.gumbel_head)
