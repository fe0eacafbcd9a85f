# Equalization loss (arXiv 2003.05176), softmax form; joint stream, NTU120-LT
# X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

tail_share = 0.0025  # less than 39 samples
loss = dict(_base_.equalization_loss, tail_share=tail_share)
model = dict(cls_head=dict(loss_cls=loss))
