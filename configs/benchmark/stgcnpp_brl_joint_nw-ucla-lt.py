# BRL (arXiv 2308.14024), the leaf of configs/brl; joint stream, NW-UCLA-LT.
_base_ = '../brl/stgcnpp_brl_joint_nw-ucla-lt.py'
