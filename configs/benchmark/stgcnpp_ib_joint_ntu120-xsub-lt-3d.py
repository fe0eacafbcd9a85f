# Influence-balanced loss (arXiv 2110.02444) for the second half of the
# training, with a hundredth of the learning rate; joint stream, NTU120-LT
# X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=_base_.ib_head)
default_hooks = _base_.ib_hooks
