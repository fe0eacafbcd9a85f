import numpy as np
import pytest
from mmengine.config import ConfigDict

from mmshapmix.analysis.data import (
    choose_samples,
    evaluation_loader,
    features_of,
    joint_loader,
    leaf_datasets,
)

TRAIN_PIPELINE = [dict(type='Flip'), dict(type='GenSkeFeat', feats=['bm'])]
VAL_PIPELINE = [dict(type='mmshapmix.GenSkeFeat', feats=['bm'])]


@pytest.fixture
def config():
    train = dict(type='A', split='train', pipeline=TRAIN_PIPELINE, tail=1)
    return ConfigDict(
        train_dataloader=dict(
            batch_size=2,
            dataset=dict(type='RepeatDataset', times=5, dataset=train),
        ),
        val_dataloader=dict(
            batch_size=3,
            dataset=dict(type='A', split='val', pipeline=VAL_PIPELINE),
        ),
        test_dataloader=None,
    )


def test_leaves():
    one, other = dict(type='A'), dict(type='B')
    dataset = dict(
        datasets=[dict(dataset=dict(dataset=one)), dict(datasets=[other])]
    )
    found = list(leaf_datasets(dataset))
    assert found[0] is one and found[1] is other


def test_training_data_as_validation_sees_them(config):
    loader = evaluation_loader(config, 'train')
    assert loader == dict(
        batch_size=3,
        dataset=dict(
            type='A',
            split='train',
            pipeline=VAL_PIPELINE,
            tail=1,
            test_mode=True,
        ),
    )
    inner = config.train_dataloader.dataset.dataset
    assert inner.pipeline == TRAIN_PIPELINE and 'test_mode' not in inner


def test_another_split(config):
    assert evaluation_loader(config, 'val') == config.val_dataloader
    loader = evaluation_loader(config, 'val', 'third')
    assert loader.dataset.split == 'third'
    assert config.val_dataloader.dataset.split == 'val'


def test_a_loader_that_is_missing(config):
    with pytest.raises(ValueError, match='Expected test_dataloader .* none'):
        evaluation_loader(config, 'test')


def test_joints_in_place_of_the_stream(config):
    loader, features = joint_loader(config.train_dataloader)
    assert features == ['bm']
    inner = loader.dataset.dataset
    assert inner.pipeline[1] == dict(type='GenSkeFeat', feats=['j'])
    inner = config.train_dataloader.dataset.dataset
    assert features_of(inner.pipeline) == ['bm']
    assert features_of(inner.pipeline[:1]) == ['j']


def test_chosen_samples():
    labels = np.array([0] * 9 + [2] * 2 + [0])
    assert choose_samples(labels) == list(range(12))
    chosen = choose_samples(labels, 3)
    assert chosen == sorted(chosen) == choose_samples(labels, 3)
    assert labels[chosen].tolist().count(0) == 3
    assert {9, 10} < set(chosen) and len(chosen) == 5
