# Action-aware loss of BRL (arXiv 2308.14024) throughout the training.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='action-aware')

lam = None if _base_.balanced else 0.0099
model = dict(
    cls_head=dict(
        loss_cls=dict(type='mmshapmix.ActionAwareLoss', upsilon=0.99, lam=lam)
    )
)
