# BRL with the loss switch and the flip of the release's NTU configs.
_base_ = 'brl.py'
words = dict(method='brl-released')

swap = dict(type='mmshapmix.RandomSwapSides', layout=_base_.data.layout)
train_pipeline = [
    swap if stage.type == 'mmshapmix.RandomFlip' else stage
    for stage in _base_.train_pipeline
]
train_dataloader = dict(
    dataset=dict(dataset=dict(pipeline=train_pipeline)),
)
default_hooks = dict(deferred_loss=dict(begin=19))
