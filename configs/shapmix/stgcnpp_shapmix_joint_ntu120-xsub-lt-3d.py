# ST-GCN++ with Shap-Mix as in the paper, joint stream, NTU120-LT X-sub, 3-D.
_base_ = ['../_base_/data/ntu120-xsub-lt-3d.py', '../_base_/shapmix.py']

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
default_hooks = dict(saliency=_base_.shapmix_saliency)

# The paper's training, on NTU as CTR-GCN prepares it.
train_pipeline = _base_.shapmix_train_pipeline
val_pipeline = test_pipeline = _base_.shapmix_test_pipeline
train_dataloader = _base_.shapmix_train_dataloader
val_dataloader = _base_.shapmix_val_dataloader
test_dataloader = _base_.shapmix_test_dataloader
optim_wrapper = _base_.shapmix_optim_wrapper
auto_scale_lr = _base_.shapmix_auto_scale_lr
param_scheduler = _base_.shapmix_param_scheduler
train_cfg = _base_.shapmix_train_cfg
