# Post-hoc logit adjustment (arXiv 2007.07314), for testing the checkpoint of
# ce; joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

default_hooks = _base_.post_hoc_hooks
