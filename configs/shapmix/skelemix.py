# SkeleMix, from Table 6 of Shap-Mix.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='skelemix')

model = dict(
    data_preprocessor=dict(blending=dict(type='mmshapmix.SkeleMix')),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
