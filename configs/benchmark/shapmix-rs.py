# Shap-Mix with re-sampling: cross-entropy, all classes equally often. An
# interpretation of Table 8 of the paper.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='shapmix-rs')

model = dict(
    data_preprocessor=dict(
        blending=dict(
            type='mmshapmix.ShapMix',
            guidance=dict(type='mmshapmix.MarginalContributions'),
        )
    ),
    cls_head=dict(type=_base_.mixed_head),
)
train_dataloader = dict(sampler=dict(type='mmshapmix.ClassBalancedSampler'))
default_hooks = dict(saliency=_base_.saliency)
