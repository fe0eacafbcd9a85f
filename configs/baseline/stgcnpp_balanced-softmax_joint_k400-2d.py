# ST-GCN++ with balanced softmax, joint stream, Kinetics-400, HRNet 2-D.
_base_ = '../_base_/data/k400-2d.py'

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
