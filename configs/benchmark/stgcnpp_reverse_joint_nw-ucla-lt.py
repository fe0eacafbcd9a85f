# Reversed sampling, as in the re-balancing branch of BBN (arXiv 1912.02413);
# joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

train_dataloader = dict(sampler=_base_.bbn_sampler)
