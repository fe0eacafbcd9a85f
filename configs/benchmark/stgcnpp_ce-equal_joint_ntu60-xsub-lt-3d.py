# Cross-entropy for as many iterations as `brl`; joint stream, NTU60-LT
# X-sub, 3-D.
_base_ = '../brl/stgcnpp_ce-equal_joint_ntu60-xsub-lt-3d.py'
