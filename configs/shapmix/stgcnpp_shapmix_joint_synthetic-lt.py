# ST-GCN++ with Shap-Mix as in the paper, joint stream, synthetic set.
_base_ = '../_base_/data/synthetic-lt.py'

mixer = dict(
    type='mmshapmix.ShapMix',
    num_classes=_base_.num_classes,
    guidance=dict(type='mmshapmix.MarginalContributions'),
)
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
model = dict(
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
    cls_head=dict(type='mmshapmix.MixedGCNHead', loss_cls=loss),
)
default_hooks = dict(
    saliency=dict(type='mmshapmix.SaliencyHook', warmup_epochs=3)
)

train_dataloader = dict(drop_last=True, dataset=dict(times=1))
train_cfg = dict(max_epochs=15)  # of one pass each
