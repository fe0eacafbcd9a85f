# A data set with its own skeleton: one hand, in 2-D.
data = dict(
    ann_file='data/skeleton/hand.pkl',
    train=dict(split='train'),
    val=dict(split='val'),
    num_classes=3,
    layout=dict(
        name='hand',
        joints=['wrist', 'thumb', 'index', 'middle', 'ring', 'little'],
        inward=[(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)],
        center=0,
        parts=dict(wrist=[0], thumb=[1], index=[2], middle=[3], rest=[4, 5]),
        dims=2,
    ),
    clip_len=32,
)
