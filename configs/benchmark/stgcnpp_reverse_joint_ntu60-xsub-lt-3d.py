# Reversed sampling, as in the re-balancing branch of BBN (arXiv 1912.02413);
# joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

train_dataloader = dict(sampler=_base_.bbn_sampler)
