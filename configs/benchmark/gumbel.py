# Gumbel optimised loss (arXiv 2207.10936).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='gumbel')

model = dict(
    cls_head=dict(
        type='mmshapmix.OneVsAllGCNHead',
        activation='gumbel',
        loss_cls=dict(type='mmshapmix.GumbelLoss'),
    )
)
