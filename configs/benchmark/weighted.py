# Cross-entropy weighted by inverse class frequency.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='weighted')

model = dict(
    cls_head=dict(
        loss_cls=dict(
            type='mmshapmix.LongTailLoss', class_weight='inverse_frequency'
        )
    )
)
