# Mixup (arXiv 1710.09412).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='mixup')

model = dict(
    data_preprocessor=dict(
        blending=dict(type='mmshapmix.Mixup', alpha=1, output='mixed')
    ),
    cls_head=dict(type=_base_.mixed_head),
)
