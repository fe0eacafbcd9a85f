# Mixup (arXiv 1710.09412), from Table 6 of Shap-Mix: mixed samples beside the
# clean ones.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='mixup-added')

model = dict(
    data_preprocessor=dict(blending=dict(type='mmshapmix.Mixup')),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
