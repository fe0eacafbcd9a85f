# Temporal reverse perception alone (Table VI of BRL).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='trp')

train_dataloader = dict(sampler=dict(type='mmshapmix.ReverseFrequencySampler'))
