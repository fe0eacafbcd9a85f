# BRL (arXiv 2308.14024), the leaf of configs/brl; joint stream, NTU60-LT
# X-sub, 3-D.
_base_ = '../brl/stgcnpp_brl_joint_ntu60-xsub-lt-3d.py'
