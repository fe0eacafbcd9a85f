# Square-root sampling; joint stream, the synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

train_dataloader = dict(sampler=_base_.square_root_sampler)
