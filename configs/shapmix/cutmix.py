# CutMix (arXiv 1905.04899), from Table 6 of Shap-Mix.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='cutmix')

model = dict(
    data_preprocessor=dict(blending=dict(type='mmshapmix.CutMix')),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
