# Random over-sampling of all classes to the same number; joint stream,
# NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

train_dataloader = dict(sampler=_base_.over_sampler)
