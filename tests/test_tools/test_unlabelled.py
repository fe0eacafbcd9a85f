"""Samples without labels, and bad ones, through ``tools/test.py``."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmshapmix.engine.launch import leaf_datasets, skip_bad_samples

from ..conftest import make_data
from ..running import call_tool, leaf
from .test_logit_adjustment import CLASSES, CONFIG


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Config, checkpoint, and data of which only the first has labels."""
    monkeypatch.chdir(tmp_path)
    data = make_data(CLASSES, 2)
    Path('data.pkl').write_bytes(pickle.dumps(data))
    for row in data['annotations']:
        del row['label']
    data['annotations'][3]['keypoint'] *= np.nan
    Path('unlabelled.pkl').write_bytes(pickle.dumps(data))
    Path('config.py').write_text(CONFIG)
    init_default_scope('mmaction')
    model = MODELS.build(Config.fromfile('config.py').model)
    torch.save(dict(state_dict=model.state_dict()), 'stock.pth')


def evaluated(*args):
    """Exit text of the tool, or ``None``."""
    try:
        return call_tool(
            *('test.py', 'config.py', 'stock.pth', '--work-dir', 'work'),
            *args,
            '--cfg-options',
            'test_dataloader.dataset.ann_file=unlabelled.pkl',
        )
    except ValueError as error:
        return str(error)


def test_scores_of_samples_without_labels_are_dumped(capsys):
    names = [row['frame_dir'] for row in make_data(CLASSES, 2)['annotations']]
    assert names[3] in evaluated('--dump', 'scores.pkl')  # a bad sample
    message = evaluated('--skip-bad')
    assert 'nothing can be measured' in message and '--dump' in message
    assert evaluated('--skip-bad', '--dump', 'scores.pkl') is None
    rows = pickle.loads(Path('scores.pkl').read_bytes())
    assert [row['frame_dir'] for row in rows] == names[:3] + names[4:]
    assert {row['gt_label'].item() for row in rows} == {-1}
    assert all(row['pred_score'].shape == (CLASSES,) for row in rows)
    shown = capsys.readouterr()
    assert 'nothing is measured' in shown.out + shown.err
    assert 'acc/' not in shown.out + shown.err
    assert not list(Path('work').glob('per_class*'))


def test_all_data_sets_of_a_config_leave_bad_samples_out():
    cfg = Config.fromfile(leaf('ce'))
    skip_bad_samples(cfg)
    for part in ('train', 'val', 'test'):
        for dataset in leaf_datasets(cfg[f'{part}_dataloader'].dataset):
            assert dataset.skip_bad and 'ann_file' in dataset
    cfg.val_dataloader = None
    cfg.test_dataloader.dataset.type = 'PoseDataset'
    with pytest.raises(ValueError, match='LongTailPoseDataset in test_.*Pose'):
        skip_bad_samples(cfg)
