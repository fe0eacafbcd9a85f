# Equalization loss (arXiv 2003.05176), softmax form; joint stream, the
# synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=dict(loss_cls=_base_.equalization_loss_of_few_classes))
