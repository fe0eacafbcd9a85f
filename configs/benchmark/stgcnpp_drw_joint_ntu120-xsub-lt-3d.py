# Deferred re-weighting (arXiv 1906.07413): class-balanced weights for the last
# fifth of the training; joint stream, NTU120-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=dict(loss_cls=_base_.drw_loss))
default_hooks = _base_.drw_hooks
