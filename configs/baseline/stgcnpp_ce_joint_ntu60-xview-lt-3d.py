# ST-GCN++ with cross-entropy, joint stream, NTU60-LT X-view, 3-D.
_base_ = '../_base_/data/ntu60-xview-lt-3d.py'
