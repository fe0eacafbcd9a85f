# Random over-sampling of all classes to the same number of samples.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='ros')

train_dataloader = dict(
    sampler=dict(
        type='mmshapmix.ReverseFrequencySampler',
        rule='power',
        power=1,
        keep_length=True,
    )
)
