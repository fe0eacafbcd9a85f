# ST-GCN++ with cross-entropy, joint stream, SBU.
_base_ = '../_base_/data/sbu.py'
