# ST-GCN++ with cross-entropy, joint stream, NTU120-LT X-sub, 3-D.
_base_ = '../_base_/data/ntu120-xsub-lt-3d.py'
