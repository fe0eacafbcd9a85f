# Square-root sampling.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='square-root')

train_dataloader = dict(
    sampler=dict(
        type='mmshapmix.ReverseFrequencySampler',
        rule='power',
        power=0.5,
        keep_length=True,
    )
)
