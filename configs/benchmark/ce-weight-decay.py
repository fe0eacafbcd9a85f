# Cross-entropy with ten times the weight decay: the first stage of weight
# balancing (arXiv 2203.14197).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='ce-weight-decay')

optim_wrapper = dict(optimizer=dict(weight_decay=5e-3))
