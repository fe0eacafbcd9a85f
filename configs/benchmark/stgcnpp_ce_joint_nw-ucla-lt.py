# Cross-entropy, the baseline of the benchmark; joint stream, NW-UCLA-LT.
_base_ = '../brl/stgcnpp_ce_joint_nw-ucla-lt.py'
