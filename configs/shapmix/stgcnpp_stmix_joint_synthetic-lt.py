# ST-GCN++ with ST-Mix, joint stream, synthetic set.
_base_ = '../_base_/data/synthetic-lt.py'

mixer = dict(type='mmshapmix.STMix', num_classes=_base_.num_classes)
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
model = dict(
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
    cls_head=dict(type='mmshapmix.MixedGCNHead', loss_cls=loss),
)

train_dataloader = dict(drop_last=True, dataset=dict(times=1))
train_cfg = dict(max_epochs=15)  # of one pass each
