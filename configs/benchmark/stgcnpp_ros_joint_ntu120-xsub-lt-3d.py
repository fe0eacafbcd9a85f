# Random over-sampling of all classes to the same number; joint stream,
# NTU120-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

train_dataloader = dict(sampler=_base_.over_sampler)
