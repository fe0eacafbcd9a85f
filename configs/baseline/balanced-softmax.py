# Balanced softmax (arXiv 2007.10740).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:baseline}}.py'
words = dict(method='balanced-softmax')

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.BalancedSoftmaxLoss'))
)
