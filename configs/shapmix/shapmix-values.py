# Shap-Mix with Shapley values computed from running means of the values of all
# coalitions.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='shapmix-values')

model = dict(
    data_preprocessor=dict(
        blending=dict(type='mmshapmix.ShapMix', guidance='shapley')
    ),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
default_hooks = dict(saliency=_base_.saliency)
