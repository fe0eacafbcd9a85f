"""Reads the configs: a selection of trainings that covers every word."""

import functools
import pickle
from pathlib import Path

from mmengine.config import Config

from mmshapmix.words import data_names, spoken

from .recipes import BACKBONES, BENCHMARK, STREAMS, Name

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / 'configs'
DATA = data_names()
# By name: each method has one file, in whatever folder.
METHODS = {
    path.stem: path
    for path in sorted(CONFIGS.glob('[!_]*/*.py'))
    if '_joint_' not in path.name
}
HEADLINES = sorted(CONFIGS.glob('*/*_joint_*.py'))
RECIPE = dict(
    baseline='baseline', shapmix='shapmix', brl='brl', benchmark='brl'
)


def _methods(folder):
    return [n for n, path in METHODS.items() if path.parent.name == folder]


def _chosen():
    """Each method, data set, stream and backbone, in some combinations."""
    name = Name('brl', 'stgcnpp', 'ce', 'joint', 'nw-ucla-lt')
    for method in _methods('brl'):
        yield name._replace(method=method)
    for method in BENCHMARK:
        yield name._replace(folder='benchmark', method=method)
    for method in [*_methods('shapmix'), 'ce', 'balanced-softmax']:
        # CutMix mixes whole numbers of joints only if there are 25.
        data = 'ntu60-xsub-3d' if method == 'cutmix' else 'nw-ucla-lt'
        yield Name('shapmix', 'stgcnpp', method, 'joint', data)
    for method in ('skeletonmix', 'stmix'):
        yield Name('shapmix', 'stgcnpp', method, 'joint', 'ntu60-xsub-3d')
    for data in DATA:
        yield Name('baseline', 'stgcnpp', 'balanced-softmax', 'joint', data)
        yield Name('brl', 'stgcnpp', 'brl', 'joint', data)
        yield Name('shapmix', 'stgcnpp', 'shapmix', 'joint', data)
    for stream in STREAMS:
        yield name._replace(stream=stream, data='ntu60-xview-lt-3d')
        yield name._replace(folder='baseline', stream=stream, data='k400-2d')
        yield name._replace(
            folder='shapmix', method='shapmix', stream=stream, data='sbu'
        )
    for model in BACKBONES:
        yield name._replace(model=model, folder='shapmix', method='shapmix')
        yield name._replace(model=model, data='ntu120-xset-3d')


LEAVES = list(dict.fromkeys(_chosen()))


def leaves(condition=lambda name: True):
    """Parametrises a test with the trainings for which a condition holds."""
    chosen = [name for name in LEAVES if condition(name)]
    return dict(
        argnames='name', argvalues=chosen, ids=['-'.join(n) for n in chosen]
    )


@functools.cache
def parsed(name):
    """Config of a training as a pickle, which loads faster than files."""
    with spoken(
        data=name.data,
        stream=STREAMS[name.stream],
        backbone=name.model,
        recipe=RECIPE[name.folder],
    ):
        return pickle.dumps(Config.fromfile(METHODS[name.method]))


def load(name, **options):
    cfg = pickle.loads(parsed(name))
    cfg.work_dir = f'work_dirs/{"_".join(name)}'
    cfg.merge_from_dict(options)
    for loader in ('train', 'val', 'test'):
        cfg[f'{loader}_dataloader'].update(
            num_workers=0, persistent_workers=False
        )
    return cfg


def innermost(dataset):
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def loaders_of(cfg):
    """Data sets that the loaders hold, which may differ from the variables."""
    return {
        part: innermost(cfg[f'{part}_dataloader']['dataset'])
        for part in ('train', 'val', 'test')
    }
