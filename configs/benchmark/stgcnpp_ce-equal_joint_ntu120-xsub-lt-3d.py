# Cross-entropy for as many iterations as `brl`; joint stream, NTU120-LT
# X-sub, 3-D.
_base_ = '../brl/stgcnpp_ce-equal_joint_ntu120-xsub-lt-3d.py'
