# LDAM-DRW (arXiv 1906.07413): margins on cosines, class-balanced weights for
# the last fifth of the training; its steps of the learning rate are not taken;
# joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.ldam_drw_head)
default_hooks = _base_.drw_hooks
