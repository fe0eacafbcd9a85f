"""Registries of mmshapmix: children of MMEngine's root registries.

Configs keep ``default_scope = 'mmaction'`` and write our types with a prefix
(``type='mmshapmix.LongTailMetric'``). The modules of a registry are imported
at its first look-up.
"""

from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import OPTIM_WRAPPERS as ROOT_OPTIM_WRAPPERS
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS
from mmengine.registry import Registry


def _child(name: str, parent: Registry, module: str) -> Registry:
    return Registry(
        name,
        parent=parent,
        scope='mmshapmix',
        locations=[f'mmshapmix.{module}'],
    )


DATASETS = _child('dataset', ROOT_DATASETS, 'datasets')
DATA_SAMPLERS = _child('data sampler', ROOT_DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child('transform', ROOT_TRANSFORMS, 'datasets.transforms')
MODELS = _child('model', ROOT_MODELS, 'models')
HOOKS = _child('hook', ROOT_HOOKS, 'engine.hooks')
METRICS = _child('metric', ROOT_METRICS, 'evaluation')
OPTIM_WRAPPERS = _child('optim wrapper', ROOT_OPTIM_WRAPPERS, 'engine.amp')
