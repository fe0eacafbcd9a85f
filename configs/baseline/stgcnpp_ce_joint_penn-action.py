# ST-GCN++ with cross-entropy, joint stream, Penn Action.
_base_ = '../_base_/data/penn-action.py'
