# LDAM-DRW (arXiv 1906.07413): margins on cosines, class-balanced weights for
# the last fifth of the training; its steps of the learning rate are not taken;
# joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=_base_.ldam_drw_head)
default_hooks = _base_.drw_hooks
