# The joint motion stream of the joint leaf.
_base_ = 'stgcnpp_stmix_joint_ntu120-xsub-3d.py'

train_pipeline = _base_.train_pipeline
val_pipeline = _base_.val_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[3].feats = ['jm']
val_pipeline[2].feats = ['jm']
test_pipeline[2].feats = ['jm']
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
