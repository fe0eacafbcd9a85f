# The embedded synthetic set, which tools/data/make_synthetic.py makes. A small
# model and a short training, for a CPU.
data = dict(
    ann_file='data/skeleton/synthetic.pkl',
    train=dict(
        split='train',
        long_tail=dict(max_per_class=150, imbalance_ratio=30, seed=0),
    ),
    val=dict(split='val'),
    num_classes=16,
    layout='nturgb+d',
    clip_len=32,
    num_clips=1,
    size='small',
    stgcnpp=dict(
        base_channels=16,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
    ),
    channels=64,
    tail_share=0.0281,  # the few-shot classes: less than 20 samples
)
