"""PYSKL's models → MMAction2's, with our backbones."""

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from mmshapmix.functional.layouts import get_layout
from mmshapmix.interop.pyskl_config import convert_config

from ...pyskl_configs import CLASSES, notes_of, source


def test_other_layouts_are_dicts_for_stock_backbones():
    for backbone, layout in (
        ('STGCN', get_layout('nw-ucla').graph()),
        ('CTRGCN', 'nw-ucla'),
    ):
        cfg = source('ctrgcn')
        cfg['model']['backbone'].update(
            type=backbone, graph_cfg=dict(layout='nw_ucla', nx_node=1)
        )
        config, notes = convert_config(cfg)
        assert config['model']['backbone']['graph_cfg'] == dict(layout=layout)
        assert config['train_dataloader']['dataset']['dataset']['layout'] == (
            'nw-ucla'
        )
        assert not [note for note in notes if note.kind == 'unmapped']


@pytest.mark.parametrize(
    ('part', 'options', 'path'),
    [
        ('backbone', dict(graph_cfg=dict(layout='hand')), 'graph_cfg.layout'),
        ('backbone', dict(graph_cfg=dict(nx_node=2)), 'graph_cfg.nx_node'),
        ('backbone', dict(gcn_fancy=1), 'gcn_fancy'),
        ('backbone', dict(tcn_in_channels=1), 'tcn_in_channels'),
        ('backbone', dict(type='ProtoGCN'), 'type'),
        ('cls_head', dict(type='SimpleHead'), 'type'),
        ('cls_head', dict(mode='3D'), 'mode'),
        ('cls_head', dict(loss_cls=dict(type='KPSLoss')), 'loss_cls.type'),
    ],
)
def test_what_no_part_of_a_model_stands_for_is_named(part, options, path):
    cfg = source('stgcnpp')
    cfg['model'][part].update(options)
    notes = notes_of(cfg)
    assert (f'model.{part}.{path}', 'unmapped') in [n[:2] for n in notes]


def test_blocks_keep_their_arguments():
    """Arguments that STGCN passes to its blocks, not arguments of its own."""
    cfg = source('stgcnpp')
    options = dict(gcn_conv_pos='post', tcn_dropout=0.1, tcn_ms_cfg=['1x1'])
    cfg['model']['backbone'].update(options, pretrained='a.pth')
    backbone = convert_config(cfg).config['model']['backbone']
    assert {k: backbone[k] for k in options} == options
    assert backbone['init_cfg'] == dict(type='Pretrained', checkpoint='a.pth')


def test_the_head_of_posec3d():
    cfg = source('stgcnpp')
    cfg['model']['cls_head'] = dict(
        type='I3DHead', num_classes=4, in_channels=512, dropout=0.3
    )
    assert convert_config(cfg).config['model']['cls_head'] == dict(
        type='I3DHead',
        num_classes=4,
        in_channels=512,
        dropout_ratio=0.3,
        average_clips='prob',
    )


@pytest.mark.parametrize(('kind', 'by'), [('prob', 1), ('score', 0)])
def test_clips_are_averaged_as_pyskl_averages_them(kind, by):
    """The default is the mean of probabilities."""
    cfg = source('stgcnpp')
    if kind != 'prob':
        cfg['model']['test_cfg'] = dict(average_clips=kind)
    init_default_scope('mmaction')
    head = MODELS.build(convert_config(cfg).config['model']).cls_head
    scores = torch.randn(6, CLASSES, generator=torch.manual_seed(0))
    clips = scores.view(2, 3, CLASSES)
    expected = (clips.softmax(-1) if by else clips).mean(1)
    torch.testing.assert_close(head.average_clip(scores, 3), expected)


def test_posec3d_is_mmaction2s_to_configure():
    cfg = source('stgcnpp_2d')
    cfg['model'] = dict(
        type='Recognizer3D',
        backbone=dict(type='ResNet3dSlowOnly', in_channels=17),
        cls_head=dict(type='I3DHead', num_classes=4, in_channels=512),
        test_cfg=dict(average_clips='prob'),
    )
    config, notes = convert_config(cfg)
    assert config['model']['type'] == 'Recognizer3D'
    (note,) = [note for note in notes if note.kind == 'unmapped']
    assert note.path == 'model.type'
    assert 'MMAction2 has configs of PoseC3D' in note.text
