# Tau-normalised classifier (arXiv 1910.09217), for testing the checkpoint of
# ce. The authors choose tau on a validation set; joint stream, the synthetic
# set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

default_hooks = _base_.tau_norm_hooks
