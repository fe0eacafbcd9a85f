# Random over-sampling of all classes to the same number; joint stream, the
# synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

train_dataloader = dict(sampler=_base_.over_sampler)
