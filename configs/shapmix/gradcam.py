# Shap-Mix guided by Grad-CAM instead of Shapley values.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='gradcam')

model = dict(
    data_preprocessor=dict(
        blending=dict(type='mmshapmix.ShapMix', guidance='grad-cam')
    ),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
default_hooks = dict(saliency=_base_.saliency)
