# Focal loss (arXiv 1708.02002), sigmoid form.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='focal-sigmoid')

model = dict(
    cls_head=dict(
        type='mmshapmix.OneVsAllGCNHead',
        activation='sigmoid',
        loss_cls=dict(
            type='mmshapmix.LongTailLoss', criterion='sigmoid', gamma=2
        ),
    )
)
