# ST-GCN++ with cross-entropy, joint stream, NTU120-LT X-set, 3-D.
_base_ = '../_base_/data/ntu120-xset-lt-3d.py'
