# Penn Action, 2-D in pixels, as imbalanced as it is.
data = dict(
    ann_file='data/skeleton/penn_action.pkl',
    train=dict(split='train'),
    val=dict(split='val'),
    num_classes=15,
    layout='penn-action',
    balanced=True,  # nearly
    # As UniformSampleFrames, which would loop the many shorter sequences.
    frames=dict(type='mmshapmix.SortedSampleFrames', segments=True),
    normalize=[
        dict(type='PreNormalize2D'),
        dict(type='mmshapmix.HideInvisible'),  # a fifth of the joints
    ],
)
