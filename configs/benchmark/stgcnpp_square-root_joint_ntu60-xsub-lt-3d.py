# Square-root sampling; joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

train_dataloader = dict(sampler=_base_.square_root_sampler)
