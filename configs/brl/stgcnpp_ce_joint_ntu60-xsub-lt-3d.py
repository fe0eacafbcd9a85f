# ST-GCN++ with cross-entropy, what BRL is compared with: its augmentation, no
# more; joint stream, NTU60-LT X-sub, 3-D.
_base_ = ['../_base_/data/ntu60-xsub-lt-3d.py', '../_base_/brl.py']

clip_len = 64  # of 300, 100, 64, 50, 32 and 16 the best in section III-B2
train_pipeline = _base_.train_pipeline
val_pipeline, test_pipeline = _base_.val_pipeline, _base_.test_pipeline
train_pipeline[-5:-5] = _base_.augmentation
for pipeline in (train_pipeline, val_pipeline, test_pipeline):
    pipeline[-5:-4] = _base_.features
    pipeline[-4].clip_len = clip_len

train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
