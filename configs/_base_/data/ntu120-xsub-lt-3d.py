# NTU120-LT X-sub, 3-D.
data = dict(
    ann_file='data/skeleton/ntu120_3d.pkl',
    train=dict(
        split='xsub_train',
        long_tail=dict(max_per_class=600, imbalance_ratio=100, seed=0),
    ),
    val=dict(split='xsub_val'),
    num_classes=120,
    layout='nturgb+d',
    num_person=2,
    tail_share=0.0025,  # 39 samples of NTU120-LT
)
