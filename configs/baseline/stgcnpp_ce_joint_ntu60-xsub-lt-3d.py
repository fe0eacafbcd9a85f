# ST-GCN++ with cross-entropy, joint stream, NTU60-LT X-sub, 3-D.
_base_ = '../_base_/data/ntu60-xsub-lt-3d.py'
