# Focal loss (arXiv 1708.02002), softmax form.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='focal')

model = dict(
    cls_head=dict(loss_cls=dict(type='mmshapmix.LongTailLoss', gamma=2))
)
