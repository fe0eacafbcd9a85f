# BRL (arXiv 2308.14024), the leaf of configs/brl; joint stream, the synthetic
# set, long-tailed.
_base_ = '../brl/stgcnpp_brl_joint_synthetic-lt.py'
