# Cross-entropy, the baseline of the benchmark; joint stream, the synthetic
# set, long-tailed.
_base_ = '../brl/stgcnpp_ce_joint_synthetic-lt.py'
