# Penn Action, 2-D in pixels, natural class frequencies (nearly balanced).
data = dict(
    ann_file='data/skeleton/penn_action.pkl',
    train=dict(split='train'),
    val=dict(split='val'),
    num_classes=15,
    layout='penn-action',
    balanced=True,  # nearly
    # As UniformSampleFrames, but without repeating short sequences from their
    # start; many are shorter.
    frames=dict(type='mmshapmix.SortedSampleFrames', segments=True),
    normalize=[
        dict(type='PreNormalize2D'),
        dict(type='mmshapmix.HideInvisible'),  # about a fifth of the joints
    ],
)
