# Cross-entropy for as many iterations as BRL, whose epochs are longer; the
# rest is the leaf of plain cross-entropy.
_base_ = 'stgcnpp_ce_joint_nw-ucla-lt.py'

train_dataloader = dict(sampler=_base_.equal_sampler)
