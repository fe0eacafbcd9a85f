# Learnable weight scaling (arXiv 1910.09217), second stage, from the
# checkpoint of ce; joint stream, NW-UCLA-LT.
_base_ = ['../brl/stgcnpp_ce_joint_nw-ucla-lt.py', '../_base_/benchmark.py']

model = dict(type='mmshapmix.FrozenRecognizerGCN', cls_head=_base_.lws_head)
train_dataloader = dict(sampler=_base_.class_balanced_sampler)
train_cfg = _base_.second_stage_cfg
default_hooks = _base_.second_stage_hooks
