# SBU Kinect Interaction, two persons, 3-D, the first of five folds.
data = dict(
    ann_file='data/skeleton/sbu.pkl',
    train=dict(split='fold0_train'),
    val=dict(split='fold0_val'),
    num_classes=8,
    layout='sbu',
    num_person=2,
    clip_len=32,  # six of seven sequences are shorter
    balanced=True,  # nearly
    # As UniformSampleFrames, but without repeating short sequences from their
    # start.
    frames=dict(type='mmshapmix.SortedSampleFrames', segments=True),
)
