# Reversed sampling, as in the re-balancing branch of BBN (arXiv 1912.02413).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='reverse')

train_dataloader = dict(
    sampler=dict(
        type='mmshapmix.ReverseFrequencySampler',
        rule='power',
        power=2,
        keep_length=True,
    )
)
