# Remix (arXiv 2007.03943).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='remix')

model = dict(
    data_preprocessor=dict(
        blending=dict(type='mmshapmix.Remix', kappa=3, tau=0.5, alpha=1)
    ),
    cls_head=dict(type=_base_.mixed_head),
)
