"""Fixtures of all tests. Real-data-like pickles are made here, small."""

import gc
import json
import os
import pickle
from pathlib import Path

import mmengine.config.config
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

# Importing mmshapmix mends mmaction before tests import it.
from mmshapmix.compat import formatter_module

# The models are tiny: more threads would only wait for each other. Tools that
# the tests start inherit it.
os.environ.setdefault('OMP_NUM_THREADS', '1')
torch.set_num_threads(1)

DATA = Path(__file__).parent / 'data'


@pytest.fixture(scope='session', autouse=True)
def quick():
    """Runners of this process without what takes most of their time.

    MMEngine formats a config for the log, for the work folder and for each
    checkpoint, looks for each base in all of MMAction2's metafiles, in vain,
    and sweeps all objects, nearly all of them modules', after each annotation
    file. Trainings in processes of their own have all of that.
    """

    def unformatted(text, **kwargs):
        compile(text, 'config', 'exec')  # what is not Python fails as before
        return text, False

    def in_no_metafile(package, path):
        raise ValueError(path)

    from mmaction.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    gc.collect()
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formatter_module(), 'FormatCode', unformatted)
        patch.setattr(
            mmengine.config.config, '_get_external_cfg_path', in_no_metafile
        )
        yield
    gc.unfreeze()


@pytest.fixture(scope='module', autouse=True)
def no_scope():
    """No default scope, which runners of other modules have left."""
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope='session')
def vectors() -> dict[str, dict]:
    """Test vectors by id; their ``crosscheck`` says what they agree with."""
    rows = json.loads((DATA / 'vectors.json').read_text())['vectors']
    return {row['id']: row for row in rows}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def make_annotations(
    num_classes: int,
    per_class: int,
    joints: int = 25,
    channels: int = 3,
    persons: int = 1,
    frames: int = 12,
    scores: bool = False,
) -> list[dict]:
    """Random sequences in PYSKL's form; classes take turns in file order."""
    rng = np.random.default_rng(0)
    annotations = []
    for i in range(num_classes * per_class):
        label = i % num_classes
        shape = (persons, frames, joints, channels)
        row = dict(
            frame_dir=f'S{i // num_classes:03d}A{label + 1:03d}',
            label=label,
            total_frames=frames,
            keypoint=rng.normal(size=shape).astype(np.float32),
        )
        if scores:
            row['keypoint_score'] = np.full(shape[:-1], 0.5, np.float32)
            row['img_shape'] = row['original_shape'] = (1080, 1920)
        annotations.append(row)
    return annotations


def make_data(
    *args, splits: tuple[str, ...] = ('train', 'val'), **kwargs
) -> dict:
    """An annotation file's content; every split holds every sample."""
    annotations = make_annotations(*args, **kwargs)
    names = [row['frame_dir'] for row in annotations]
    return dict(
        split={split: list(names) for split in splits}, annotations=annotations
    )


@pytest.fixture
def write(tmp_path):
    """Write an object as a pickle, return the path as a string."""

    def write_pickle(data, name: str = 'data.pkl') -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(data))
        return str(path)

    return write_pickle
