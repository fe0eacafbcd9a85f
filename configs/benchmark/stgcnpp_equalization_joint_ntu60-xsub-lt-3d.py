# Equalization loss (arXiv 2003.05176), softmax form; joint stream, NTU60-LT
# X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(cls_head=dict(loss_cls=_base_.equalization_loss))
