# ST-GCN++ with balanced softmax, joint stream, NW-UCLA-LT.
_base_ = '../_base_/data/nw-ucla-lt.py'

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
