# The bone stream of the joint leaf.
_base_ = 'stgcnpp_brl_joint_ntu120-xsub-lt-3d.py'

train_pipeline = _base_.train_pipeline
val_pipeline, test_pipeline = _base_.val_pipeline, _base_.test_pipeline
for pipeline in (train_pipeline, val_pipeline, test_pipeline):
    pipeline[-5].feats = ['b']
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
