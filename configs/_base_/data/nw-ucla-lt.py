# NW-UCLA-LT, prepared as in CTR-GCN and BRL, 52 frames.
data = dict(
    ann_file='data/skeleton/nwucla.pkl',
    train=dict(
        split='xview_train',
        long_tail=dict(max_per_class=100, imbalance_ratio=10, seed=0),
    ),
    val=dict(split='xview_val'),
    num_classes=10,
    layout='nw-ucla',
    clip_len=52,
    frames=dict(type='mmshapmix.SortedSampleFrames'),
    # The angles are drawn anew at each visit. BRL's release rotates each
    # sequence once, when it writes its files.
    rotate=[dict(type='mmshapmix.RandomRotate', degrees=(60, 60, 0))],
    normalize=[dict(type='mmshapmix.MinMaxNormalize')],
    tail_share=0.05,  # the few-shot classes: less than 20 samples
)
