# Tau-normalised classifier (arXiv 1910.09217), for testing the checkpoint of
# ce. The authors choose tau on a validation set; joint stream, NTU60-LT X-sub,
# 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

default_hooks = _base_.tau_norm_hooks
