# Equalization loss (arXiv 2003.05176), softmax form; joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=dict(loss_cls=_base_.equalization_loss_of_few_classes))
