# Key point sensitive loss (10.1109/TPAMI.2022.3196044), with adjusted
# gradients from 60 % of the training on; joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.kps_head)
default_hooks = _base_.kps_hooks
