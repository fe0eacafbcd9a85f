"""Class names come in the order of the labels, and there are K of them."""

import numpy as np
import pytest

from mmshapmix.datasets import LongTailPoseDataset
from mmshapmix.datasets.class_names import class_names

from ..conftest import make_data


@pytest.mark.parametrize(
    'classes',
    [
        ['a', 'b', 'c'],
        ('a', 'b', 'c'),
        np.array(['a', 'b', 'c']),
        dict(c=2, a=0, b=1),
        {2: 'c', 0: 'a', 1: 'b'},
        {np.int64(k): name for k, name in enumerate('abc')},
    ],
)
def test_forms_of_class_names(write, classes):
    path = write(dict(make_data(3, 1), classes=classes))
    dataset = LongTailPoseDataset(path, [], num_classes=3)
    assert dataset.metainfo['classes'] == ['a', 'b', 'c']


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        (dict(a=0, b=1, c=3), r'label of 0\.\.2'),
        (dict(a=1, b=2, c=3), r'label of 0\.\.2'),
        (dict(a=0, b=0, c=1), r'label of 0\.\.2'),
        ({'0': 'a', '1': 'b', '2': 'c'}, r'label of 0\.\.2'),
        (['a', 'b'], 'Expected 3 class names.* has 2'),
        (dict(a=0, b=1, c=2, d=3), 'Expected 3 class names.* has 4'),
        ({'a', 'b', 'c'}, 'list of names or a dict .*a set of 3'),
        ('abc', "list of names or a dict .*'abc'"),
        (['a', None, 'c'], 'list of names or a dict'),
    ],
)
def test_bad_class_names_are_refused_at_loading(write, classes, message):
    path = write(dict(make_data(3, 1), classes=classes))
    with pytest.raises(ValueError, match=message) as caught:
        LongTailPoseDataset(path, [], num_classes=3)
    assert path in str(caught.value)
    # The config's own class names take precedence.
    mine = dict(metainfo=dict(classes=['x', 'y', 'z']))
    dataset = LongTailPoseDataset(path, [], num_classes=3, **mine)
    assert dataset.metainfo['classes'] == ['x', 'y', 'z']


def test_the_names_say_how_many_classes_there_are(write):
    path = write(dict(make_data(3, 1), classes=list('abcd')))
    assert LongTailPoseDataset(path, []).num_classes == 4
    path = write(dict(make_data(3, 1), classes=list('ab')))
    with pytest.raises(ValueError, match=r'0\.\.1 .*has 2'):
        LongTailPoseDataset(path, [])
    path = write(dict(make_data(3, 1), classes=None))
    assert LongTailPoseDataset(path, []).num_classes == 3
    assert class_names(['a'], None, 'x') == ['a']
