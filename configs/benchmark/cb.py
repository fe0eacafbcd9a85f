# Class-balanced loss (arXiv 1901.05555), softmax form.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='cb')

model = dict(
    cls_head=dict(
        loss_cls=dict(
            type='mmshapmix.LongTailLoss',
            class_weight=dict(scheme='class_balanced', beta=0.9999),
        )
    )
)
