# Focal loss (arXiv 1708.02002), sigmoid form; joint stream, NTU60-LT X-sub,
# 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=_base_.focal_sigmoid_head)
