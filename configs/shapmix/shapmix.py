# Shap-Mix as in the paper (arXiv 2407.12312).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='shapmix')

model = dict(
    data_preprocessor=dict(
        blending=dict(
            type='mmshapmix.ShapMix',
            guidance=dict(type='mmshapmix.MarginalContributions'),
        )
    ),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
default_hooks = dict(saliency=_base_.saliency)
