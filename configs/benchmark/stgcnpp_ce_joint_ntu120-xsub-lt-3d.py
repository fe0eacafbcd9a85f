# Cross-entropy, the baseline of the benchmark; joint stream, NTU120-LT X-sub,
# 3-D.
_base_ = '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py'
