# Action-aware loss of BRL (arXiv 2308.14024) throughout; joint stream,
# NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=dict(loss_cls=_base_.action_aware_loss))
