# ST-GCN++ with cross-entropy, joint stream, NTU120-LT X-set, HRNet 2-D.
_base_ = '../_base_/data/ntu120-xset-lt-2d.py'
