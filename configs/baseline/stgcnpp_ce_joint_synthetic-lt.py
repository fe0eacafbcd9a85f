# ST-GCN++ with cross-entropy, joint stream, on the embedded synthetic set.
_base_ = '../_base_/data/synthetic-lt.py'
