# Cross-entropy with as many iterations as BRL, which has longer epochs.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='ce-equal')

train_dataloader = dict(
    sampler=dict(same_length_as=dict(type='mmshapmix.ReverseFrequencySampler'))
)
