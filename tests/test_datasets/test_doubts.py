"""Warnings of probable mistakes are given once; real data give none."""

import warnings

import numpy as np
import pytest

from mmshapmix.datasets import LongTailPoseDataset
from mmshapmix.datasets.doubts import is_collapsed
from mmshapmix.datasets.synthetic import make_dataset

from ..conftest import make_data

STOCK = [dict(type='mmaction.PreNormalize2D')]
FIX = [dict(type='mmshapmix.PreNormalize2D', mode='fix')]
AUTO = [dict(type='mmshapmix.PreNormalize2D', mode='auto')]


def doubts(path, pipeline):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        LongTailPoseDataset(path, pipeline)
    texts = [str(w.message) for w in caught]
    return [text for text in texts if 'Probably a mistake' in text]


def scaled(low, which):
    data = make_data(3, 2, joints=17, channels=2, scores=True)
    rng = np.random.default_rng(0)
    for row in data['annotations'][which:]:
        size = row['keypoint'].shape
        row['keypoint'] = rng.uniform(low, 1, size).astype(np.float32)
    for row in data['annotations'][:which]:
        row['keypoint'] = row['keypoint'] * 99 + 500
    return data


@pytest.mark.parametrize('low', [-1, 0])
@pytest.mark.parametrize('which', [0, 3])
@pytest.mark.parametrize('pipeline', [STOCK, FIX])
def test_scaled_places_where_pixels_are_taken(write, low, which, pipeline):
    path = write(scaled(low, which))
    (text,) = doubts(path, pipeline)
    first = ['S000A001', 'S001A001'][which > 0]
    assert f'in {6 - which} of 6 samples all coordinates lie within' in text
    assert f"'{first}' of {path}" in text
    assert not doubts(path, AUTO) and not doubts(path, [])


def test_joints_in_one_place(write):
    data = make_data(3, 2, persons=2)
    for row in data['annotations']:
        row['keypoint'][1] = 0  # the second person is absent
    assert not doubts(write(data), [])
    sample = data['annotations'][4]['keypoint']
    sample[0, :7] = sample[0, :7, :1]
    (text,) = doubts(write(data), [])
    assert 'in 1 of 6 samples all joints' in text and "'S001A002'" in text


def test_which_frames_make_a_person_collapsed():
    points = np.random.default_rng(0).normal(size=(2, 10, 5, 3))
    points[1] = 0
    assert not is_collapsed(points)
    points[0, :8] = 0  # absent in most frames: only the others count
    assert not is_collapsed(points)
    points[0, 8] = 3
    assert not is_collapsed(points)  # in half of the frames
    points[0, 9] = 3
    assert is_collapsed(points)
    assert is_collapsed(np.zeros((1, 4, 5, 3)))  # absent in all frames
    assert not is_collapsed(np.ones((1, 4, 1, 3)))  # a single joint


@pytest.mark.parametrize('layout', ['nturgb+d', 'coco'])
def test_synthetic_data_is_not_doubted(write, layout):
    assert not doubts(write(make_dataset(layout, 4, 2, 1)), STOCK)
