# ST-GCN++ with balanced softmax, joint stream, on the embedded synthetic set.
_base_ = '../_base_/data/synthetic-lt.py'

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
