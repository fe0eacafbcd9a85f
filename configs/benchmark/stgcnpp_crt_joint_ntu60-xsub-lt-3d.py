# Classifier re-training (arXiv 1910.09217), second stage, from the checkpoint
# of ce; joint stream, NTU60-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu60-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

model = dict(type='mmshapmix.FrozenRecognizerGCN')
train_dataloader = dict(sampler=_base_.class_balanced_sampler)
train_cfg = _base_.second_stage_cfg
default_hooks = _base_.crt_hooks
