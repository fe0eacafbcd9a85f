# ST-GCN++ with balanced softmax, joint stream, SBU.
_base_ = '../_base_/data/sbu.py'

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
