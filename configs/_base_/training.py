# The base of all recipes and methods: MMAction2's ST-GCN++ config with the
# chosen data set, stream and backbone. The words are arguments of our tools
# (--data, --stream, --backbone, --recipe), and environment variables for
# MMAction2's own (MMSHAPMIX_DATA=nw-ucla-lt.py, MMSHAPMIX_STREAM=b, …).
_base_ = [
    'mmaction::skeleton/stgcnpp/stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py',  # noqa: E501
    'data/chosen.py',
]

from mmshapmix.functional.layouts import get_layout
from mmshapmix.words import heard

heard()

# With this key, MMAction2's own tools find our types and repair known faults.
custom_imports = dict(imports=['mmshapmix'], allow_failed_imports=False)

data, stream = _base_.data, '{{$MMSHAPMIX_STREAM:j}}'
backbone = '{{$MMSHAPMIX_BACKBONE:stgcnpp}}'
words = dict(
    data=_base_.chosen.rpartition('/')[2].removesuffix('.py'),
    stream=stream,
    backbone=backbone,
)
dims = get_layout(data.layout).dims
in_mmaction = data.layout in ('nturgb+d', 'coco', 'openpose')
num_person = data.get('num_person', 1)
clip_len = data.get('clip_len', 64)

# --- the model ---------------------------------------------------------------

layout = data.layout
our_graph = dict(layout=layout)
stock = dict(
    graph_cfg=dict(
        layout=data.layout if in_mmaction else get_layout(data.layout).graph(),
        mode='spatial',
    )
)
backbones = dict(
    stgcnpp=dict(_base_.model.backbone, **stock, **data.get('stgcnpp', {})),
    aagcn=dict(type='AAGCN', num_person=num_person, **stock),
    ctrgcn=dict(
        type='mmshapmix.CTRGCN', num_person=num_person, graph_cfg=our_graph
    ),
    dgstgcn=dict(type='mmshapmix.DGSTGCN', graph_cfg=our_graph),
    hdgcn=dict(
        type='mmshapmix.HDGCN', num_person=num_person, graph_cfg=our_graph
    ),
    infogcn=dict(
        type='mmshapmix.InfoGCN',
        k=8,  # so large that joints are given as they are
        num_person=num_person,
        graph_cfg=our_graph,
    ),
    msg3d=dict(
        type='mmshapmix.MSG3D', num_person=num_person, graph_cfg=our_graph
    ),
)
channels = dict(stgcnpp=data.get('channels', 256), msg3d=384)
model = dict(
    data_preprocessor=dict(type='ActionDataPreprocessor'),
    backbone=dict(_delete_=True, **backbones[backbone]),
    cls_head=dict(
        num_classes=data.num_classes, in_channels=channels.get(backbone, 256)
    ),
)
# Methods with a mixer take these: a head that distinguishes mixed from clean
# samples, a loss, and an estimate of saliency.
mixed_head = 'mmshapmix.MixedGCNHead'
if backbone == 'infogcn':  # its head adds a loss, also without a mixer
    mixed_head = model['cls_head']['type'] = 'mmshapmix.InfoGCNHead'
balanced = data.get('balanced', False)
loss = dict(
    type='CrossEntropyLoss' if balanced else 'mmshapmix.BalancedSoftmaxLoss'
)
saliency = dict(type='mmshapmix.SaliencyHook', warmup_epochs=5)

# --- the steps of a pipeline, in order ---------------------------------------

load = data.get('load', [])
rotate = data.get('rotate', [])  # in training, before the normalisation
if 'normalize' in data:
    normalize = data.normalize
elif dims == 2:
    normalize = [dict(type='PreNormalize2D')]
elif in_mmaction:
    normalize = [dict(type='PreNormalize3D')]
else:
    normalize = [dict(type='mmshapmix.PreNormalize3D', layout=data.layout)]
our_features = [
    dict(type='mmshapmix.GenSkeFeat', layout=data.layout, feats=[stream])
]
features = (
    [dict(type='GenSkeFeat', dataset=data.layout, feats=[stream])]
    if in_mmaction and 'k' not in stream
    else our_features
)
frames = data.get('frames', dict(type='UniformSampleFrames'))
train_frames = [dict(clip_len=clip_len, **frames)]
val_frames = [dict(clip_len=clip_len, test_mode=True, **frames)]
test_frames = val_frames
if frames['type'] == 'UniformSampleFrames':
    val_frames = [dict(val_frames[0], num_clips=1)]
    test_frames = [dict(val_frames[0], num_clips=data.get('num_clips', 10))]
pack = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=num_person),
    dict(type='PackActionInputs'),
]

prepare = [*load, *normalize, *features]
train_pipeline = [*load, *rotate, *normalize, *features, *train_frames, *pack]
val_pipeline = [*prepare, *val_frames, *pack]
test_pipeline = [*prepare, *test_frames, *pack]

# --- the loaders -------------------------------------------------------------

dataset = dict(
    type='mmshapmix.LongTailPoseDataset',
    ann_file=data.ann_file,
    num_classes=data.num_classes,
    layout=data.layout,
    **data.get('dataset', {}),
)
train_data = dict(dataset, pipeline=train_pipeline, **data.train)
val_data = dict(dataset, pipeline=val_pipeline, **data.val)
test_data = dict(dataset, pipeline=test_pipeline, **data.val)
small = data.get('size') == 'small'
batch_size = 32 if small else 16  # per process
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='mmshapmix.ShuffleSampler'),
    dataset=dict(dataset=train_data),
)
val_dataloader = dict(batch_size=batch_size, dataset=val_data)
test_dataloader = dict(batch_size=32 if small else 1, dataset=test_data)
val_evaluator = [dict(type='mmshapmix.LongTailMetric')]
test_evaluator = val_evaluator

# --- the schedule: BRL's (arXiv 2308.14024, section IV-B) --------------------

# The learning rate is 0.1 * (processes * batch_size) / 128, for any number of
# processes and any batch size.
optim_wrapper = dict(
    optimizer=dict(
        type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
)
auto_scale_lr = dict(enable=True, base_batch_size=32 if small else 128)
# Without T_max the cosine ends with the training, however long that is.
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        eta_min=0,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(max_epochs=3 if small else 24)  # 5 passes per epoch

# In default_hooks, which is a dict, so that a child config can add hooks.
default_hooks = dict(
    # Before published_checkpoint, so that its messages come first.
    words=dict(type='mmshapmix.WordsHook'),
    logger=dict(interval=20 if small else 100),
    class_counts=dict(type='mmshapmix.ClassCountsHook'),
    data_check=dict(type='mmshapmix.DataCheckHook'),
    per_class_table=dict(type='mmshapmix.PerClassTableHook'),
    published_checkpoint=dict(type='mmshapmix.PublishedCheckpointHook'),
    seed=dict(type='mmshapmix.SeedHook'),
)
