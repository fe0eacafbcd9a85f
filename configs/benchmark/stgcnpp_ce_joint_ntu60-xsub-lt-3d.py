# Cross-entropy, the baseline of the benchmark; joint stream, NTU60-LT X-sub,
# 3-D.
_base_ = '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py'
