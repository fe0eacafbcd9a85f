# NW-UCLA: the skeleton and its preparation (CTR-GCN, BRL), 52 frames. To be
# listed beside a model's base; it defines no key that one has.

# fmt: off
# The row 'nw-ucla' of mmshapmix.functional.layouts; a test compares them.
nw_ucla_graph = dict(
    num_node=20,
    inward=[(0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6), (8, 2),
            (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13), (15, 14),
            (16, 0), (17, 16), (18, 17), (19, 18)],
    center=2)
# fmt: on

nw_ucla_train_pipeline = [
    # Drawn anew for every visit. BRL's release turns each sequence once, when
    # it writes its files.
    dict(type='mmshapmix.RandomRotate', degrees=(60, 60, 0)),
    dict(type='mmshapmix.MinMaxNormalize'),
    dict(type='mmshapmix.GenSkeFeat', layout='nw-ucla', feats=['j']),
    dict(type='mmshapmix.SortedSampleFrames', clip_len=52),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs'),
]
nw_ucla_test_pipeline = [
    dict(type='mmshapmix.MinMaxNormalize'),
    dict(type='mmshapmix.GenSkeFeat', layout='nw-ucla', feats=['j']),
    dict(type='mmshapmix.SortedSampleFrames', clip_len=52, test_mode=True),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs'),
]
