# ST-GCN++ with cross-entropy, joint stream, NTU120 X-sub, 3-D.
_base_ = ['../_base_/data/ntu120-xsub-3d.py', '../_base_/shapmix.py']

mixer = None
loss = dict(type='CrossEntropyLoss')
model = dict(
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
    cls_head=dict(type='mmshapmix.MixedGCNHead', loss_cls=loss),
)

# The paper's training, on NTU as CTR-GCN prepares it.
train_pipeline = _base_.shapmix_train_pipeline
val_pipeline = test_pipeline = _base_.shapmix_test_pipeline
train_dataloader = _base_.shapmix_train_dataloader
val_dataloader = _base_.shapmix_val_dataloader
test_dataloader = _base_.shapmix_test_dataloader
optim_wrapper = _base_.shapmix_optim_wrapper
auto_scale_lr = _base_.shapmix_auto_scale_lr
param_scheduler = _base_.shapmix_param_scheduler
param_scheduler[1].milestones = [35, 55]
train_cfg = dict(max_epochs=65)  # of one pass each
