# ST-GCN++ with Shap-Mix as in the paper,
# joint stream, Kinetics-400, HRNet 2-D.
_base_ = ['../_base_/data/k400-2d.py', '../_base_/shapmix.py']

# The released code has a window of 13 to 20 of 25 blocks of frames.
mixer = dict(
    type='mmshapmix.ShapMix',
    num_classes=_base_.num_classes,
    layout=_base_.layout,
    guidance=dict(type='mmshapmix.MarginalContributions'),
)
loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
model = dict(
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
    cls_head=dict(type='mmshapmix.MixedGCNHead', loss_cls=loss),
)
default_hooks = dict(saliency=_base_.shapmix_saliency)

# The released code's training: a batch of 80, a clip a test sample.
test_pipeline = _base_.val_pipeline
train_dataloader = dict(batch_size=80, drop_last=True, dataset=dict(times=1))
val_dataloader = dict(batch_size=80)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
auto_scale_lr = dict(base_batch_size=80)
param_scheduler = _base_.shapmix_cosine_scheduler
train_cfg = dict(max_epochs=70)  # of one pass each
