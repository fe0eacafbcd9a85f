"""PYSKL's transforms → MMAction2's and ours."""

import math

import pytest

from mmshapmix.interop.pyskl_config import convert_config

from ...pyskl_configs import source


def sampled(**options):
    return dict(type='UniformSampleFrames', clip_len=8, **options)


def turned(*degrees):
    return dict(type='mmshapmix.RandomRotate', degrees=degrees)


DEGREES = 0.3 * 180 / math.pi
PACKED = dict(type='PackActionInputs')
OURS = dict(type='mmshapmix.GenSkeFeat')
STEPS = [
    # A step of PYSKL, what is there in training, and in test if it differs.
    (
        dict(type='UniformSample', clip_len=8),
        [sampled()],
        [sampled(test_mode=True)],
    ),
    (
        dict(type='UniformSample', clip_len=8, num_clips=10, seed=3),
        [sampled(num_clips=10, seed=3)],
        [sampled(num_clips=10, seed=3, test_mode=True)],
    ),
    (
        dict(type='UniformSampleFrames', clip_len=8, p_interval=0.95),
        [
            dict(type='mmshapmix.RandomTemporalCrop', share=(0.95, 0.95)),
            sampled(),
        ],
        [
            dict(type='mmshapmix.RandomTemporalCrop', share=(0.95, 0.95)),
            sampled(test_mode=True),
        ],
    ),
    (
        dict(type='UniformSampleDecode', clip_len=8),
        [sampled(), dict(type='PoseDecode')],
        [sampled(test_mode=True), dict(type='PoseDecode')],
    ),
    (
        dict(type='PreNormalize3D', align_spine=False),
        [dict(type='PreNormalize3D', align_spine=False, align_shoulder=False)],
    ),
    (
        dict(type='PreNormalize2D', threshold=0.3, mode='fix'),
        [
            dict(type='PreNormalize2D'),
            dict(type='mmshapmix.HideInvisible', threshold=0.3),
        ],
    ),
    (dict(type='GenSkeFeat'), [dict(type='GenSkeFeat', dataset='nturgb+d')]),
    (
        dict(type='GenSkeFeat', dataset='nw_ucla', feats=['bm']),
        [dict(OURS, layout='nw-ucla', feats=['bm'])],
    ),
    (
        dict(type='GenSkeFeat', dataset='coco', feats=['km']),
        [dict(OURS, layout='coco', feats=['km'])],
    ),
    (
        dict(type='RandomScale'),
        [dict(type='mmshapmix.RandomScale', scale=0.2)],
    ),
    (
        dict(type='RandomScale', scale=(0.1, 0.1, 0.1)),
        [dict(type='mmshapmix.RandomScale', scale=0.1)],
    ),
    (dict(type='RandomRot'), [turned(*[round(DEGREES, 4)] * 3)]),
    (
        dict(type='Spatial_Flip'),
        [dict(type='mmshapmix.RandomSwapSides', prob=0.5, layout='nturgb+d')],
    ),
    (
        dict(type='Temperal_Flip', flip_ratio=0.2),
        [dict(type='mmshapmix.RandomTemporalFlip', prob=0.2)],
    ),
    (
        dict(type='LoadKineticsPose', io_backend='memcached'),
        [dict(type='DecompressPose', max_person=100)],
    ),
    (
        dict(type='Collect', keys=['imgs', 'label'], meta_keys=['a', 'b']),
        [dict(PACKED, meta_keys=('a', 'b'))],
    ),
    (dict(type='ToTensor', keys=['keypoint']), []),
    (dict(type='JointToBone', dataset='coco', target='b'), None),
    (dict(type='ToMotion', dataset='coco', source='b', target='bm'), None),
    (dict(type='MergeSkeFeat', feat_list=['keypoint', 'b'], axis=-1), None),
    (dict(type='DecompressPose', squeeze=False, max_person=3), None),
    (dict(type='PadTo', length=300, mode='zero'), None),
    (dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True), None),
    (dict(type='Flip', flip_ratio=0.5, left_kp=[1], right_kp=[2]), None),
    (dict(type='FormatGCNInput', num_person=1, mode='loop'), None),
    (dict(type='GeneratePoseTarget', sigma=0.6, with_limb=True), None),
]


@pytest.mark.parametrize(
    'row', STEPS, ids=lambda row: '-'.join(map(str, row[0].values()))[:40]
)
def test_steps(row):
    """None: the same in MMAction2."""
    step, training, *testing = row
    training = [step] if training is None else training
    cfg = source('stgcnpp')
    for dataset in (cfg['data']['train']['dataset'], cfg['data']['val']):
        dataset['pipeline'] = [step]
    config, notes = convert_config(cfg)
    assert config['train_pipeline'] == training
    assert config['val_pipeline'] == (testing[0] if testing else training)
    assert not [n for n in notes if n.kind == 'unmapped' and 'data' in n.path]


def test_rotations_in_a_plane_are_about_z():
    pipeline = convert_config(source('dgstgcn')).config['train_pipeline']
    assert turned(0, 0, round(0.2 * 180 / math.pi, 4)) in pipeline


@pytest.mark.parametrize(
    ('step', 'key', 'kept'),
    [
        (dict(type='RandomGaussianNoise', sigma=0.01), 'type', None),
        (dict(type='JointToKB'), 'type', None),
        (dict(type='Mine', a=dict(b=1)), 'type', None),
        (
            dict(type='RandomScale', scale=(0.1, 0.2, 0.3)),
            'scale',
            dict(type='mmshapmix.RandomScale', scale=0.3),
        ),
        (
            dict(type='PreNormalize2D', mode='auto'),
            'mode',
            dict(type='PreNormalize2D'),
        ),
        (
            dict(type='PreNormalize3D', align_center=False),
            'align_center',
            dict(type='PreNormalize3D'),
        ),
        (dict(type='Collect', keys=['keypoint', 'x']), 'keys', PACKED),
        (dict(type='PoseDecode', x=1), 'x', dict(type='PoseDecode')),
    ],
)
def test_what_no_step_stands_for_is_named(step, key, kept):
    """A type stays, for the builder to refuse; an argument is left out."""
    cfg = source('stgcnpp')
    cfg['data']['train']['dataset']['pipeline'] = [step]
    config, notes = convert_config(cfg)
    path = f'data.train.dataset.pipeline[0].{key}'
    assert (path, 'unmapped') in [note[:2] for note in notes]
    assert config['train_pipeline'] == [kept or step]
