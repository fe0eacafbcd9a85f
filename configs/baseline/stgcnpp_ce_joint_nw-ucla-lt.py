# ST-GCN++ with cross-entropy, joint stream, NW-UCLA-LT.
_base_ = '../_base_/data/nw-ucla-lt.py'
