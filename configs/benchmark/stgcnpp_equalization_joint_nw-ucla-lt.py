# Equalization loss (arXiv 2003.05176), softmax form; joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

tail_share = 0.05  # few-shot: less than 20 samples
loss = dict(_base_.equalization_loss, tail_share=tail_share)
model = dict(cls_head=dict(loss_cls=loss))
