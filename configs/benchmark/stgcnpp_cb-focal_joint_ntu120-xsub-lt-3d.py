# Class-balanced focal loss (arXiv 1901.05555); joint stream, NTU120-LT X-sub,
# 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=_base_.cb_focal_head)
