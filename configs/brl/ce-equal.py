# Cross-entropy for as many iterations as BRL, whose epochs are longer.
_base_ = '../_base_/{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='ce-equal')

train_dataloader = dict(
    sampler=dict(same_length_as=dict(type='mmshapmix.ReverseFrequencySampler'))
)
