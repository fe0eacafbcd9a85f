# ST-GCN++ with balanced softmax, joint stream, NTU120-LT X-sub, HRNet 2-D.
_base_ = '../_base_/data/ntu120-xsub-lt-2d.py'

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
