"""Small configs like those of PYSKL and of a descendant.

The data are ``ntu.pkl``, ``coco.pkl`` and the compressed ``k400.pkl``, with 4
classes and the splits train and val. The models have two stages.
"""

import pickle
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmshapmix.interop.pyskl_config import config_text, convert_config

from .conftest import make_data

CLASSES = 4
STAGES = 'base_channels=8, num_stages=2, inflate_stages=[], down_stages=[2]'

PIPELINES = """
dataset_type = 'PoseDataset'
ann_file = '{ann_file}'
train_pipeline = [
{train}
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint'])
]
val_pipeline = [
{test}
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint'])
]
test_pipeline = [
{test}
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint'])
]
for transform in test_pipeline:
    if 'Uniform' in transform['type']:
        transform['num_clips'] = 3
del transform
"""
RUN = """
data = dict(
    videos_per_gpu=8,
    workers_per_gpu=0,
    test_dataloader=dict(videos_per_gpu=2),
    train=dict(
        type='RepeatDataset', times=2,
        dataset=dict(type=dataset_type, ann_file=ann_file,
                     pipeline=train_pipeline, split='train', {dataset})),
    val=dict(type=dataset_type, ann_file=ann_file, pipeline=val_pipeline,
             split='val'),
    test=dict(type=dataset_type, ann_file=ann_file, pipeline=test_pipeline,
              split='val'))
optimizer = dict(
    type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0005, nesterov=True)
optimizer_config = dict(grad_clip={clip})
lr_config = dict({rate})
total_epochs = 2
checkpoint_config = dict(interval=1)
evaluation = dict(interval=1, metrics=['top_k_accuracy'])
log_config = dict(interval=100, hooks=[dict(type='TextLoggerHook')])
log_level = 'INFO'
work_dir = './work_dirs/{name}/j'
"""
GCN_STEPS = """
    dict(type='PreNormalize3D'),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats={feats}),
    dict(type='{sampler}', clip_len=8{mode}),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
"""
COSINE = "policy='CosineAnnealing', min_lr=0, by_epoch=False"
STEP = """policy='step', step=[1], warmup='linear', warmup_iters=4,
                 warmup_ratio=0.1"""


def steps(sampler='UniformSample', feats="['j']"):
    """Training and test steps of most GCN configs."""
    return [
        GCN_STEPS.format(sampler=sampler, feats=feats, mode=mode)
        for mode in ('', ', num_clips=1, test_mode=True')
    ]


def config(
    name, model, both, ann_file='ntu.pkl', dataset='', clip=None, rate=COSINE
):
    """Text of a config; ``both`` are the steps of training and of testing."""
    train, test = (text.strip('\n') for text in both)
    return (
        f'model = dict(\n{model})\n'
        + PIPELINES.format(ann_file=ann_file, train=train, test=test)
        + RUN.format(name=name, dataset=dataset, clip=clip, rate=rate)
    )


def recognizer(backbone, head=''):
    return f"""    type='RecognizerGCN',
    backbone=dict(
        {backbone}),
    cls_head=dict(type='GCNHead', num_classes={CLASSES}, {head})"""


NTU = "graph_cfg=dict(layout='nturgb+d', mode='spatial')"
DG_STEPS = """
    dict(type='PreNormalize2D'),
    {augmentation}
    dict(type='GenSkeFeat', dataset='coco', feats=['b', 'bm']),
    dict(type='UniformSampleDecode', clip_len=8),
    dict(type='FormatGCNInput'),
"""
CTR_STEPS = """
    dict(type='PreNormalize3D', align_spine=False),
    {augmentation}
    dict(type='GenSkeFeat', feats=['j']),
    dict(type='UniformSampleFrames', clip_len=8, p_interval={share}),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput'),
"""
BRL_STEPS = """
    dict(type='PreNormalize3D'),
    {augmentation}
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['k']),
    dict(type='UniformSample', clip_len=8{mode}),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
"""
FLAT_STEPS = """
    {first}
    dict(type='PreNormalize2D'),
    dict(type='GenSkeFeat', dataset='coco', feats=['j']),
    dict(type='UniformSample', clip_len=8{mode}),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
"""
STGCNPP = f"""type='STGCN', gcn_adaptive='init', gcn_with_res=True,
        tcn_type='mstcn', {STAGES},
        """
COCO = "graph_cfg=dict(layout='coco', mode='spatial')"


def flat_steps(first=''):
    """Training and test steps for HRNet's joints."""
    return [
        FLAT_STEPS.format(first=first, mode=mode)
        for mode in ('', ', num_clips=1, test_mode=True')
    ]


CONFIGS = {
    'stgcnpp': config(
        'stgcnpp',
        recognizer(STGCNPP + NTU, 'in_channels=8'),
        steps(),
    ),
    'stgcnpp_2d': config(
        'stgcnpp_2d',
        recognizer(STGCNPP + COCO, 'in_channels=8'),
        flat_steps(),
        ann_file='coco.pkl',
    ),
    'k400': config(
        'k400',
        recognizer(STGCNPP + COCO, 'in_channels=8'),
        flat_steps("dict(type='DecompressPose', squeeze=True),"),
        ann_file='k400.pkl',
        dataset="memcached=True, mc_cfg=('localhost', 22077)",
    ),
    'aagcn': config(
        'aagcn',
        recognizer(
            f"type='AAGCN', gcn_attention=False, in_channels=6, {STAGES},\n"
            f'        {NTU}',
            'in_channels=8, dropout=0.2',
        )
        + ",\n    test_cfg=dict(average_clips='score')",
        steps(feats="['b', 'jm']"),
        clip='dict(max_norm=20, norm_type=2)',
    ),
    'ctrgcn': config(
        'ctrgcn',
        recognizer(f"type='CTRGCN', {STAGES}, {NTU}", 'in_channels=8'),
        [
            CTR_STEPS.format(
                augmentation="dict(type='RandomScale'),\n"
                "    dict(type='RandomRot', theta=0.3),",
                share='(0.5, 1)',
            ),
            CTR_STEPS.format(augmentation='', share='1'),
        ],
        rate=STEP,
    ),
    'dgstgcn': config(
        'dgstgcn',
        recognizer(
            f"type='DGSTGCN', in_channels=6, {STAGES}, gcn_ratio=0.25,\n"
            "        tcn_ms_cfg=[(3, 1), (3, 2), ('max', 3), '1x1'],\n"
            "        graph_cfg=dict(layout='coco', mode='random',\n"
            '                       num_filter=4, init_off=.04, init_std=.02)',
            'in_channels=8',
        ),
        [
            DG_STEPS.format(augmentation="dict(type='RandomRot', theta=0.2),"),
            DG_STEPS.format(augmentation=''),
        ],
        ann_file='coco.pkl',
        dataset='class_prob=[1, 1, 1.25, 2]',
    ),
    'msg3d': config(
        'msg3d',
        recognizer(
            "type='MSG3D', base_channels=12, num_gcn_scales=3,\n"
            '        num_g3d_scales=2, graph_cfg=dict(\n'
            "            layout='nturgb+d', mode='binary_adj')",
            'in_channels=48',
        ),
        steps(),
    ),
    'brl': config(
        'brl',
        recognizer(STGCNPP + NTU, 'in_channels=8')
        .replace('RecognizerGCN', 'MixRecognizerGCN')
        .replace('GCNHead', 'MixAAHead'),
        [
            BRL_STEPS.format(
                augmentation="dict(type='RandomScale', scale=0.1),\n"
                "    dict(type='RandomRot'),\n"
                "    dict(type='Spatial_Flip', flip_ratio=0.5),",
                mode='',
            ),
            BRL_STEPS.format(augmentation='', mode=', test_mode=True'),
        ],
        dataset="imb_factor='100', data_list_path='list.txt'",
    ),
}


def source(name):
    """Variables that a config defines."""
    return read(CONFIGS[name])


def read(text):
    names = {}
    exec(text, names)
    return {k: v for k, v in names.items() if not k.startswith('__')}


def compressed(row):
    """A sample in Kinetics' form: the boxes of all frames, in frame order."""
    boxes = np.concatenate(
        [row['keypoint'], row['keypoint_score'][..., None]], axis=-1
    )
    persons, frames, joints, _ = boxes.shape
    kept = {k: v for k, v in row.items() if k != 'keypoint_score'}
    return kept | dict(
        keypoint=boxes.swapaxes(0, 1).reshape(-1, joints, 3),
        frame_inds=np.arange(frames).repeat(persons),
    )


def write_data(folder):
    """Write the data files that the configs name."""
    ntu = make_data(CLASSES, 4, 25, persons=2)
    coco = make_data(CLASSES, 4, 17, 2, persons=2, scores=True)
    k400 = dict(coco, annotations=[*map(compressed, coco['annotations'])])
    for name, data in (('ntu', ntu), ('coco', coco), ('k400', k400)):
        Path(folder, f'{name}.pkl').write_bytes(pickle.dumps(data))
    names = [row['frame_dir'] for row in ntu['annotations'][:8]]
    Path(folder, 'list.txt').write_text('\n'.join(names))


@contextmanager
def working_folder(root):
    """Work in a folder with the data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        write_data(root)
        yield root


def notes_of(cfg):
    return convert_config(cfg).notes


def built(cfg):
    """The converted config as MMEngine reads it from the written file."""
    path = Path('converted.py')
    path.write_text(config_text(convert_config(cfg).config))
    return Config.fromfile(path)
