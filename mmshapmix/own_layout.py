"""User-defined skeletons in configs: ``layout = dict(…)``, given once.

At the top level of a config that inherits from one of ours, the layout
replaces the inherited one everywhere: in data sets, transforms, mixers and
backbones, also in those of MMAction2. A ``layout=dict(…)`` inside of one of
these parts is for this part only. ``_delete_=True`` is never needed, since a
layout is not merged with another one.
"""

import copy
import inspect
from collections.abc import Mapping
from functools import wraps
from typing import Any

from mmengine.config import Config

from .functional.layouts import Layout, get_layout
from .registry import DATASETS, MODELS, TRANSFORMS

PARTS = ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader')
OURS = 'mmshapmix.'


def replace_layouts() -> None:
    """Let MMEngine's configs replace layouts instead of merging them.

    MMEngine refuses to merge a dict into a name, and mixes two dicts. In
    addition, a layout at the top level is spread over the config.
    """
    merge, read = Config._merge_a_into_b, Config.fromfile
    if hasattr(merge, '__wrapped__'):
        return

    @wraps(merge)
    def merge_layouts(a: dict, b: dict, *args: Any, **kwargs: Any) -> dict:
        own = a.get('layout')
        if 'layout' in b and isinstance(own, Mapping) and 'inward' in own:
            a = a.copy()
            a['layout'] = dict(own, _delete_=True)
        return merge(a, b, *args, **kwargs)

    @wraps(read)
    def read_and_spread(*args: Any, **kwargs: Any) -> Config:
        cfg = read(*args, **kwargs)
        spread_layout(cfg)
        return cfg

    Config._merge_a_into_b = staticmethod(merge_layouts)
    Config.fromfile = staticmethod(read_and_spread)


def spread_layout(cfg: Config) -> None:
    """Set a config's user-defined layout in all parts that have a layout.

    MMAction2's ``GenSkeFeat`` knows three skeletons, and its
    ``PreNormalize3D`` one. They are replaced by ours, except for a
    ``PreNormalize3D`` whose axes are given.

    Args:
        cfg: A whole config; changed.

    Raises:
        ValueError: If the layout is invalid.
    """
    own = cfg.get('layout')
    if isinstance(own, Mapping) and {'joints', 'inward'} & {*own}:
        layout = get_layout(own)
        for part in PARTS:
            _spread(cfg.get(part), own, layout)


def _spread(node: Any, own: Mapping, layout: Layout) -> None:
    if isinstance(node, list | tuple):
        for value in node:
            _spread(value, own, layout)
    elif isinstance(node, Mapping):
        _adapt(node, own, layout)
        for key, value in node.items():
            if key != 'graph_cfg':
                _spread(value, own, layout)


def _adapt(node: Any, own: Mapping, layout: Layout) -> None:
    kind = str(node.get('type', '')).removeprefix('mmaction.')
    if kind == 'GenSkeFeat':
        node['type'] = kind = f'{OURS}{kind}'
        node.pop('dataset', None)
    if kind == 'PreNormalize3D' and _aligns_by_default(node):
        node['type'] = kind = f'{OURS}{kind}'
    if 'graph_cfg' in node:
        graph = own if kind.startswith(OURS) else layout.graph()
        node['graph_cfg']['layout'] = copy.deepcopy(graph)
    elif 'layout' in node or _takes_layout(kind, 'num_classes' in node):
        node['layout'] = copy.deepcopy(own)


def _aligns_by_default(step: Mapping) -> bool:
    return not {'zaxis', 'xaxis', 'align_spine', 'align_shoulder'} & {*step}


def _takes_layout(kind: str, counted: bool) -> bool:
    """Return whether a part needs the layout from the config.

    Mixers take layout and number of classes from the training data together,
    unless the config gives them the number (``counted``).
    """
    if not kind.startswith(OURS):
        return False
    registries = (TRANSFORMS, DATASETS) + ((MODELS,) if counted else ())
    found = (registry.get(kind) for registry in registries)
    return any(
        'layout' in inspect.signature(part).parameters
        for part in found
        if part is not None
    )
