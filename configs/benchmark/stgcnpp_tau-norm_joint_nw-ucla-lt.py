# Tau-normalised classifier (arXiv 1910.09217), for testing the checkpoint of
# ce. The authors choose tau on a validation set; joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

default_hooks = _base_.tau_norm_hooks
