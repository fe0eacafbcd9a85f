# Post-hoc logit adjustment (arXiv 2007.07314), for testing the checkpoint of
# ce; joint stream, the synthetic set, long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

default_hooks = _base_.post_hoc_hooks
