# ST-GCN++ with balanced softmax, joint stream, Penn Action.
_base_ = '../_base_/data/penn-action.py'

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
