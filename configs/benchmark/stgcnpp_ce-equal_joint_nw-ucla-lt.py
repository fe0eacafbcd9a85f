# Cross-entropy for as many iterations as `brl`; joint stream, NW-UCLA-LT.
_base_ = '../brl/stgcnpp_ce-equal_joint_nw-ucla-lt.py'
