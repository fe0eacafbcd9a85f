# ST-GCN++ with ST-Mix, joint stream, NW-UCLA-LT.
_base_ = ['../_base_/data/nw-ucla-lt.py', '../_base_/shapmix.py']

mixer = dict(
    type='mmshapmix.STMix',
    num_classes=_base_.num_classes,
    layout=_base_.layout,
)
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
model = dict(
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
    cls_head=dict(type='mmshapmix.MixedGCNHead', loss_cls=loss),
)

# The paper's training.
train_dataloader = dict(drop_last=True, dataset=dict(times=1))
optim_wrapper = _base_.shapmix_optim_wrapper
auto_scale_lr = _base_.shapmix_auto_scale_lr
param_scheduler = _base_.shapmix_param_scheduler
train_cfg = _base_.shapmix_train_cfg
