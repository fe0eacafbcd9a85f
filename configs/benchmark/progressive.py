# Progressively balanced sampling (arXiv 1910.09217).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='progressive')

train_dataloader = dict(sampler=dict(type='mmshapmix.ProgressiveSampler'))
