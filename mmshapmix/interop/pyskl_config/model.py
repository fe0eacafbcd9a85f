"""Conversion of PYSKL's models: MMAction2's, with our backbones if needed.

The heads of both have the same weights under other names; the hook
``PublishedCheckpointHook`` renames the weights in PYSKL's checkpoints.
"""

from functools import partial
from typing import Any

from mmaction.models.utils import Graph, mstcn, unit_aagcn, unit_gcn, unit_tcn
from mmaction.registry import MODELS

from ...functional.layouts import LAYOUTS, get_layout
from ...models.backbones.graph import LayoutGraph
from .components import (
    Rule,
    Section,
    arguments_of,
    convert_arguments,
    convert_component,
    optional_arguments,
)

LAYOUT_NAMES = {'nw_ucla': 'nw-ucla', 'nwucla': 'nw-ucla'}
STOCK_LAYOUTS = ('nturgb+d', 'coco', 'openpose')
"""Layouts that MMAction2's graph and features know by name."""

NO_MIXING = (
    'it trains on clean samples; partial mixup is '
    'mmshapmix.RebalancedPartialMix, see the folder configs/brl'
)
NO_LOSS = (
    'its loss is cross-entropy; the losses of BRL are {}, see the folder '
    'configs/brl'
)
RECOGNIZERS = {
    'Recognizer3D': Rule(
        'Recognizer3D',
        kind='unmapped',
        text='it stays; MMAction2 has configs of PoseC3D of its own, in its '
        'configs/skeleton/posec3d: take these',
    ),
    'MixRecognizerGCN': Rule('RecognizerGCN', kind='unmapped', text=NO_MIXING),
}
BACKBONES = {
    'CTRGCN': Rule('mmshapmix.CTRGCN'),
    'MSG3D': Rule('mmshapmix.MSG3D'),
    'DGSTGCN': Rule(
        'mmshapmix.DGSTGCN',
        only=dict(gcn_type='dggcn', tcn_type='dgmstcn'),
    ),
}
HEADS = {
    'GCNHead': Rule('GCNHead', only=dict(mode='GCN', init_std=0.01)),
    'I3DHead': Rule(
        'I3DHead',
        renames=dict(dropout='dropout_ratio'),
        defaults=dict(average_clips='prob'),
        only=dict(mode='3D'),
    ),
    'SimpleHead': Rule(
        'SimpleHead',
        kind='unmapped',
        text="it is GCNHead(dropout=0.5) with mode='GCN', else I3DHead",
    ),
    'MixAAHead': Rule(
        'GCNHead',
        kind='unmapped',
        text=NO_LOSS.format(
            'mmshapmix.DeferredLoss(late=mmshapmix.ActionAwareLoss)'
        ),
    ),
    'MixCBHead': Rule(
        'GCNHead',
        kind='unmapped',
        text=NO_LOSS.format(
            "mmshapmix.LongTailLoss(class_weight=dict(scheme='class_balanced',"
            ' beta=0.999))'
        ),
    ),
}
# Backbones that hand **kwargs with these prefixes to blocks of these kinds.
BLOCKS = {
    'STGCN': dict(gcn_=[unit_gcn], tcn_=[unit_tcn, mstcn]),
    'AAGCN': dict(gcn_=[unit_aagcn], tcn_=[unit_tcn]),
}


def layout_name(layout: Any) -> Any:
    """Translate the name of a layout of PYSKL or BRL into ours."""
    if isinstance(layout, str):
        return LAYOUT_NAMES.get(layout, layout)
    return layout


def _convert_graph(source: Section, ours: bool) -> dict[str, Any]:
    """Convert ``graph_cfg``, for a backbone of ours or of MMAction2."""
    rule = Rule(only=dict(nx_node=1))
    accepted = arguments_of(LayoutGraph if ours else Graph)
    graph = convert_arguments(source, accepted, rule)
    name = layout_name(graph.get('layout'))
    if not isinstance(name, str):
        return graph
    if name not in LAYOUTS:
        text = f'{name}: no layout of this name; give it as a dict'
        source.note('layout', 'unmapped', text)
    elif not ours and name not in STOCK_LAYOUTS:
        text = f"{name}: a dict, as MMAction2's graph takes it"
        source.note('layout', 'changed', text)
        return graph | dict(layout=get_layout(name).graph())
    return graph | dict(layout=name)


def _convert_backbone(source: Section) -> dict[str, Any]:
    """Convert a backbone, with the arguments of its blocks and weights."""
    name = source.peek('type')
    ours = BACKBONES.get(name, Rule()).type.startswith('mmshapmix.')
    blocks = {
        prefix + argument
        for prefix, kinds in BLOCKS.get(name, {}).items()
        for kind in kinds
        for argument in ('type', *optional_arguments(kind))
    }
    weights = source.take('pretrained')
    backbone = convert_component(
        source,
        BACKBONES,
        MODELS,
        dict(graph_cfg=partial(_convert_graph, ours=ours)),
        blocks,
    )
    if weights is not None:
        text = f"{weights}: as `init_cfg`, which wants this model's own names"
        source.note('pretrained', 'changed', text)
        backbone['init_cfg'] = dict(type='Pretrained', checkpoint=weights)
    return backbone


def _convert_loss(source: Section) -> dict[str, Any]:
    return convert_component(source, {}, MODELS)


def _convert_head(source: Section) -> dict[str, Any]:
    return convert_component(
        source, HEADS, MODELS, dict(loss_cls=_convert_loss)
    )


def convert_model(source: Section) -> dict[str, Any]:
    """Convert a recognizer.

    PYSKL and MMAction2 both average the probabilities of the clips of a test
    sample by default. PYSKL's ``test_cfg`` can say otherwise, and here the
    head can.

    Args:
        source: PYSKL's ``model``; not closed here.

    Returns:
        The new ``model``.

    Raises:
        ValueError: If a component has no `type`.
    """
    source.section('train_cfg').close()  # MMAction2 reads nothing there
    with source.section('test_cfg') as testing:
        averaged = testing.keep('average_clips')
    nested = dict(backbone=_convert_backbone, cls_head=_convert_head)
    model = convert_component(source, RECOGNIZERS, MODELS, nested)
    if 'cls_head' in model:
        model['cls_head'] |= averaged
    return model
