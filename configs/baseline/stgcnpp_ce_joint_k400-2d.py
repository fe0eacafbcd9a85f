# ST-GCN++ with cross-entropy, joint stream, Kinetics-400, HRNet 2-D.
_base_ = '../_base_/data/k400-2d.py'
