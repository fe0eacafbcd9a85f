# Cross-entropy for as many iterations as `brl`; joint stream, the synthetic
# set, long-tailed.
_base_ = '../brl/stgcnpp_ce-equal_joint_synthetic-lt.py'
