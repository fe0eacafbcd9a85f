# Class-balanced focal loss (arXiv 1901.05555).
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='cb-focal')

model = dict(
    cls_head=dict(
        type='mmshapmix.OneVsAllGCNHead',
        activation='sigmoid',
        loss_cls=dict(
            type='mmshapmix.LongTailLoss',
            criterion='sigmoid',
            class_weight=dict(scheme='class_balanced', beta=0.9999),
            reduction='mean',
            gamma=2,
        ),
    )
)
