"""Reading the configs: the leaves, and the bases of their data."""

import functools
import gc
import pickle
from pathlib import Path

import mmengine.config.config
import pytest
from mmaction.utils import register_all_modules
from mmengine.config import Config

from .recipes import Name

ROOT = Path(__file__).parents[1]
BASES = ROOT / 'configs' / '_base_'
DATA_BASES = sorted((BASES / 'data').glob('*.py'))
LEAVES = sorted(
    p for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts
)


def leaves(condition=lambda name: True):
    """Parametrises a test with the leaves of which it is true."""
    chosen = [p for p in LEAVES if condition(Name.of(p))]
    ids = [f'{p.parent.name}/{p.stem}' for p in chosen]
    return dict(argnames='path', argvalues=chosen, ids=ids)


def bases(condition=lambda path: True):
    """The same with the bases of the data sets."""
    chosen = [p for p in DATA_BASES if condition(p)]
    ids = [p.stem for p in chosen]
    return dict(argnames='path', argvalues=chosen, ids=ids)


@pytest.fixture(scope='module', autouse=True)
def quick():
    """Hundreds of runners without what takes most of their time.

    MMEngine formats each config three times, reads all of MMAction2's
    metafiles to find one base, and sweeps all objects, nearly all of them
    modules', after each annotation file.
    """

    def unformatted(text, **kwargs):
        compile(text, 'config', 'exec')  # what is not Python fails as before
        return text, False

    register_all_modules(init_default_scope=False)
    gc.collect()
    gc.freeze()
    find_base = functools.cache(mmengine.config.config._get_external_cfg_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.config.config, 'FormatCode', unformatted)
        patch.setattr(
            mmengine.config.config, '_get_external_cfg_path', find_base
        )
        yield
    gc.unfreeze()


@functools.cache
def parsed(path):
    """A leaf's config as a pickle, which is read sooner than the leaf."""
    return pickle.dumps(Config.fromfile(path))


def load(path, **options):
    cfg = pickle.loads(parsed(path))
    cfg.work_dir = 'work_dirs/' + path.stem
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
    """What the loaders really hold, not what variables say."""
    return {
        part: innermost(cfg[f'{part}_dataloader']['dataset'])
        for part in ('train', 'val', 'test')
    }
