# Class-balanced loss (arXiv 1901.05555), sigmoid form.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='cb-sigmoid')

model = dict(
    cls_head=dict(
        type='mmshapmix.OneVsAllGCNHead',
        activation='sigmoid',
        loss_cls=dict(
            type='mmshapmix.LongTailLoss',
            criterion='sigmoid',
            class_weight=dict(scheme='class_balanced', beta=0.9999),
            reduction='mean',
        ),
    )
)
