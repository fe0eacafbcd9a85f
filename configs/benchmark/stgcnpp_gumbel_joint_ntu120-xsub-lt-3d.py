# Gumbel optimised loss (arXiv 2207.10936); joint stream, NTU120-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=_base_.gumbel_head)
