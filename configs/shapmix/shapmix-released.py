# Shap-Mix with the released code's distribution over coalitions.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:shapmix}}.py'
words = dict(method='shapmix-released')

model = dict(
    data_preprocessor=dict(
        blending=dict(
            type='mmshapmix.ShapMix',
            guidance=dict(type='mmshapmix.MarginalContributions', clamp=True),
            normalize='none',
            scale=10,
        )
    ),
    cls_head=dict(type=_base_.mixed_head, loss_cls=_base_.loss),
)
default_hooks = dict(saliency=_base_.saliency)
