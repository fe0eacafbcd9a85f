# ST-GCN++ with balanced softmax, joint stream, NTU120-LT X-set, 3-D.
_base_ = '../_base_/data/ntu120-xset-lt-3d.py'

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
