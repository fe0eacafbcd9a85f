# Balanced softmax (arXiv 2007.10740), the same as logit adjustment (arXiv
# 2007.07314) with tau=1; joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=dict(loss_cls=_base_.balanced_softmax_loss))
