# ST-GCN++ with cross-entropy, joint stream, NTU60-LT X-view, HRNet 2-D.
_base_ = '../_base_/data/ntu60-xview-lt-2d.py'
