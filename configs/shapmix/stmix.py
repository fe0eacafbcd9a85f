# ST-Mix: Shap-Mix without guidance.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='stmix')

model = dict(
    data_preprocessor=dict(blending=dict(type='mmshapmix.STMix')),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
