# ST-GCN++ with cross-entropy, joint stream, Kinetics-400, HRNet 2-D.
_base_ = ['../_base_/data/k400-2d.py', '../_base_/shapmix.py']

mixer = None
loss = dict(type='CrossEntropyLoss')
model = dict(
    data_preprocessor=dict(type='ActionDataPreprocessor', blending=mixer),
    cls_head=dict(type='mmshapmix.MixedGCNHead', loss_cls=loss),
)

# The released code's training: a batch of 80, a clip a test sample.
test_pipeline = _base_.val_pipeline
train_dataloader = dict(batch_size=80, drop_last=True, dataset=dict(times=1))
val_dataloader = dict(batch_size=80)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
auto_scale_lr = dict(base_batch_size=80)
param_scheduler = _base_.shapmix_cosine_scheduler
train_cfg = dict(max_epochs=70)  # of one pass each
