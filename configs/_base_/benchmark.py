# What the methods of the benchmark add to configs/brl's cross-entropy. This
# file is listed beside that leaf: a leaf of the benchmark says what it takes.
# Stages are shares of the training, as in the original of each method; data,
# passes, rate, schedule and augmentation are the same for all. What one has of
# its own stands here and in its leaf.

# --- losses ------------------------------------------------------------------

class_balanced = dict(scheme='class_balanced', beta=0.9999)
cb_loss = dict(type='mmshapmix.LongTailLoss', class_weight=class_balanced)
balanced_softmax_loss = dict(type='mmshapmix.BalancedSoftmaxLoss')
# The tail is what has less than this share of the samples: 39 of NTU60-LT. A
# leaf of another data set has a share of its own.
equalization_loss = dict(
    type='mmshapmix.EqualizationLoss', drop_prob=0.9, tail_share=0.005
)

# --- losses with a head of their own -----------------------------------------

one_vs_all_head = dict(type='mmshapmix.OneVsAllGCNHead', activation='sigmoid')
sigmoid_loss = dict(type='mmshapmix.LongTailLoss', criterion='sigmoid')
focal_sigmoid_head = dict(
    one_vs_all_head, loss_cls=dict(sigmoid_loss, gamma=2)
)
# Sums over the classes, over the number of samples.
cb_sigmoid_loss = dict(
    sigmoid_loss, class_weight=class_balanced, reduction='mean'
)
cb_sigmoid_head = dict(one_vs_all_head, loss_cls=cb_sigmoid_loss)
cb_focal_head = dict(one_vs_all_head, loss_cls=dict(cb_sigmoid_loss, gamma=2))
gumbel_head = dict(
    type='mmshapmix.OneVsAllGCNHead',
    activation='gumbel',
    loss_cls=dict(type='mmshapmix.GumbelLoss'),
)
ldam_loss = dict(type='mmshapmix.LDAMLoss', max_margin=0.5, scale=30)
ldam_drw_head = dict(
    type='mmshapmix.CosineGCNHead',
    scale=30,
    loss_cls=dict(
        type='mmshapmix.DeferredLoss',
        early=ldam_loss,
        late=dict(ldam_loss, class_weight=class_balanced),
    ),
)
kps_loss = dict(type='mmshapmix.KPSLoss', scale=15, max_margin=0.2)
kps_head = dict(
    type='mmshapmix.CosineGCNHead',
    scale=15,
    loss_cls=dict(
        type='mmshapmix.DeferredLoss',
        early=kps_loss,
        late=dict(kps_loss, adjust_gradients=True),
    ),
)
ib_head = dict(
    type='mmshapmix.MixedGCNHead',
    pass_features=True,
    loss_cls=dict(
        type='mmshapmix.DeferredLoss',
        late=dict(type='mmshapmix.InfluenceBalancedLoss', alpha=1000),
    ),
)

# --- stages ------------------------------------------------------------------

drw_loss = dict(type='mmshapmix.DeferredLoss', late=cb_loss)
drw_hooks = dict(  # epoch 160 of 200
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=0.8)
)
kps_hooks = dict(  # epoch 120 of 200
    deferred_loss=dict(type='mmshapmix.DeferredLossHook', begin=0.6)
)
ib_hooks = dict(  # epoch 100 of 200, with a hundredth of the learning rate
    deferred_loss=dict(
        type='mmshapmix.DeferredLossHook', begin=0.5, lr_factor=0.01
    )
)

# --- samplers, all with the passes of plain shuffling ------------------------

over_sampler = dict(
    type='mmshapmix.ReverseFrequencySampler',
    rule='power',
    power=1,
    keep_length=True,
)
square_root_sampler = dict(over_sampler, power=0.5)
reversed_sampler = dict(over_sampler, power=2)
progressive_sampler = dict(type='mmshapmix.ProgressiveSampler')
class_balanced_sampler = dict(type='mmshapmix.ClassBalancedSampler')

# --- mixers ------------------------------------------------------------------

mixup = dict(type='mmshapmix.Mixup', alpha=1, output='mixed')
remix = dict(type='mmshapmix.Remix', kappa=3, tau=0.5, alpha=1)
remix_drw_loss = dict(
    type='mmshapmix.DeferredLoss', late=dict(cb_loss, reduction='mean')
)
stmix = dict(type='mmshapmix.STMix')
shapmix = dict(
    type='mmshapmix.ShapMix',
    guidance=dict(type='mmshapmix.MarginalContributions'),
)
gradcam = dict(type='mmshapmix.ShapMix', guidance='grad-cam')
saliency_hooks = dict(
    saliency=dict(type='mmshapmix.SaliencyHook', warmup_epochs=5)
)

# --- second stages, from the checkpoint of a first one -----------------------

second_stage_cfg = dict(max_epochs=2)  # of 5 passes, as 10 epochs
frozen = 'mmshapmix.FrozenRecognizerGCN'
lws_head = dict(type='mmshapmix.ScaledGCNHead')
second_stage_hooks = dict(second_stage=dict(type='mmshapmix.SecondStageHook'))
crt_hooks = dict(
    second_stage=dict(type='mmshapmix.SecondStageHook', reinitialize=True)
)
max_norm_hooks = dict(
    second_stage_hooks, max_norm=dict(type='mmshapmix.MaxNormHook', share=0.1)
)
max_norm_optim_wrapper = dict(optimizer=dict(weight_decay=0.1))

# --- nothing but a test of a first stage's checkpoint ------------------------

tau_norm_hooks = dict(tau_norm=dict(type='mmshapmix.TauNormHook', tau=1))
post_hoc_hooks = dict(
    logit_adjustment=dict(type='mmshapmix.LogitAdjustmentHook', tau=1)
)
