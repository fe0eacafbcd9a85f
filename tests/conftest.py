"""Fixtures of all tests. Small pickles like real data are made here."""

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

# Importing mmshapmix repairs mmaction before tests import it.
from mmshapmix.compat import formatter_module

# The models are tiny: more threads would only wait for each other. Tools that
# the tests start inherit this variable.
os.environ.setdefault('OMP_NUM_THREADS', '1')
torch.set_num_threads(1)

DATA = Path(__file__).parent / 'data'


@pytest.fixture(scope='session', autouse=True)
def quick():
    """Run the trainings of this process without MMEngine's slowest steps.

    MMEngine formats a config for the log, for the work folder and for each
    checkpoint, searches all of MMAction2's metafiles for each base in vain,
    and collects garbage among all objects, most of them modules', after each
    annotation file. Trainings in separate processes still do all of this.
    """

    def unformatted(text, **kwargs):
        compile(text, 'config', 'exec')  # invalid Python fails as before
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
    """Remove the default scopes that runners of other modules have left."""
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
    """Random sequences in PYSKL's format; classes alternate in the file."""
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
    """Content of an annotation file; every split has every sample."""
    annotations = make_annotations(*args, **kwargs)
    names = [row['frame_dir'] for row in annotations]
    return dict(
        split={split: list(names) for split in splits}, annotations=annotations
    )


@pytest.fixture
def write(tmp_path):
    """Write an object as a pickle; return the path as a string."""

    def write_pickle(data, name: str = 'data.pkl') -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(data))
        return str(path)

    return write_pickle
