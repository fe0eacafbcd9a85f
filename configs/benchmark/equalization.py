# Equalization loss (arXiv 2003.05176), softmax form.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='equalization')

model = dict(
    cls_head=dict(
        loss_cls=dict(
            type='mmshapmix.EqualizationLoss',
            drop_prob=0.9,
            tail_share=_base_.data.get('tail_share', 0.005),
        )
    )
)
