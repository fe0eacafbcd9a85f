"""Annotation files: what is read, and the messages of refusals."""

import os
import pickle
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from mmshapmix.datasets import LongTailPoseDataset
from mmshapmix.datasets.annotations import (
    annotations_of,
    load_pickle,
    pick_annotations,
    read_list,
    sample_name,
    save_pickle,
)

from ..conftest import make_data


class WritesAFile:
    """Unpickling this object would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_containers_and_arrays_of_all_protocols(tmp_path, protocol):
    data = dict(
        array=np.arange(6, dtype=np.float16).reshape(2, 3),
        fortran=np.asfortranarray(np.eye(3)),
        big_endian=np.arange(3, dtype='>i4'),
        scalar=np.float32(0.5),
        names={'a', 'b'},
        order=OrderedDict(x=1),
        nested=[dict(valid={0.5: 3}), (1, None, True, 'é', b'\x00')],
    )
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(data, protocol=protocol))
    loaded = load_pickle(path)
    assert all(type(loaded[k]) is np.ndarray for k in ('array', 'fortran'))
    np.testing.assert_array_equal(loaded['array'], data['array'])
    np.testing.assert_array_equal(loaded['fortran'], np.eye(3))
    np.testing.assert_array_equal(loaded['big_endian'], [0, 1, 2])
    assert loaded['array'].dtype == np.float16
    for key in ('scalar', 'names', 'order', 'nested'):
        assert loaded[key] == data[key]


def test_numpy_1_and_numpy_2_names_are_the_same(tmp_path):
    blob = pickle.dumps(np.arange(3), protocol=2)
    modern, old = b'numpy._core.multiarray', b'numpy.core.multiarray'
    assert modern in blob or old in blob
    for name in (modern, old):
        path = tmp_path / 'x.pkl'
        path.write_bytes(blob.replace(modern, name).replace(old, name))
        np.testing.assert_array_equal(load_pickle(path), [0, 1, 2])


def test_a_hostile_pickle_is_refused_and_does_nothing(tmp_path):
    target = tmp_path / 'made'
    path = tmp_path / 'evil.pkl'
    path.write_bytes(pickle.dumps([WritesAFile(target)]))
    with pytest.raises(ValueError, match=r'evil\.pkl.*posix\.mkdir|nt\.mkdir'):
        load_pickle(path)
    assert not target.exists()
    pickle.loads(path.read_bytes())  # the file would really run code
    assert target.exists()


class OtherWriter:
    """Pickles an array as ``ndarray(shape, dtype)``, then its data."""

    def __init__(self, array):
        self.array = array

    def __reduce__(self):
        state = self.array.__reduce__()[2]
        return np.ndarray, (self.array.shape, self.array.dtype), state


@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_arrays_of_other_writers(tmp_path, protocol):
    array = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(OtherWriter(array), protocol=protocol))
    loaded = load_pickle(path)
    assert type(loaded) is np.ndarray and loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, array)


class Forged:
    """An array of pointers made of bytes."""

    def __reduce__(self):
        return np.ndarray, ((1,), np.dtype('O'), b'A' * 8)


class Refitted:
    """A dtype of 8 bytes with a field far beyond its end."""

    def __reduce__(self):
        fields = {'a': (np.dtype('i8'), 1 << 40)}
        state = (3, '|', None, ('a',), fields, 8, 1, 0)
        return np.dtype, ('S8', False, True), state


class Array:
    """An array of the dtype above."""

    def __reduce__(self):
        empty, args, _ = np.zeros(1, 'S8').__reduce__()
        return empty, args, (1, (1,), Refitted(), False, b'A' * 8)


class Scalar:
    def __reduce__(self):
        make, _ = np.bytes_(b'A').__reduce__()
        return make, (Refitted(), b'A' * 8)


@pytest.mark.parametrize(
    'value',
    [
        Forged(),
        np.array([None]),
        np.zeros(2, dtype='i4,O'),
        Array(),
        Scalar(),
    ],
)
def test_arrays_of_pointers_are_refused(write, value):
    with pytest.raises(ValueError, match=r'forged\.pkl cannot be read'):
        load_pickle(write(dict(annotations=[value]), 'forged.pkl'))


@pytest.mark.parametrize('value', [Path('x'), np.random.RandomState(0), len])
def test_a_foreign_class_is_named(write, value):
    path = write(dict(annotations=[value]), 'foreign.pkl')
    with pytest.raises(ValueError, match=r'foreign\.pkl.*asks for [\w.]+,'):
        load_pickle(path)


def test_not_a_pickle(tmp_path):
    path = tmp_path / 'x.pkl'
    path.write_text('not a pickle at all')
    with pytest.raises(ValueError, match=r'Expected a pickle.*x\.pkl'):
        load_pickle(path)
    with pytest.raises(FileNotFoundError, match=r'missing\.pkl'):
        load_pickle(tmp_path / 'missing.pkl')


@pytest.mark.parametrize('kept', [0, 1, 40, 0.5, -1])
def test_truncated(tmp_path, kept):
    blob = pickle.dumps(make_data(2, 2))
    cut = int(len(blob) * kept) if isinstance(kept, float) else kept
    path = tmp_path / 'cut.pkl'
    path.write_bytes(blob[:cut])
    with pytest.raises(ValueError, match=r'cut\.pkl.*truncated'):
        load_pickle(path)


def test_a_missing_split_lists_those_there_are():
    data = make_data(2, 2, splits=('xsub_train', 'xsub_val'))
    with pytest.raises(ValueError, match=r"xsub_train.*xsub_val.*'xview'"):
        annotations_of(data, 'xview', 'x.pkl')


def test_not_an_annotation_file():
    with pytest.raises(ValueError, match=r'x\.pkl holds a ndarray'):
        annotations_of(np.zeros(3), 'train', 'x.pkl')


def test_names_without_annotation():
    data = make_data(2, 1)
    data['split']['train'].append('nobody')
    with pytest.raises(ValueError, match=r"1 of 3 have none: \['nobody'\]"):
        annotations_of(data, 'train', 'x.pkl')


@pytest.mark.parametrize(
    ('lost', 'message'),
    [
        ('frame_dir', r'`frame_dir`.*x\.pkl, but number 1 has only'),
        ('label', r"`label`.*sample 'S000A002' of .*x\.pkl has only"),
        ('total_frames', r"`total_frames`.*'S000A002' of .*x\.pkl has only"),
        ('keypoint', r"`keypoint` of all.*sample 'S000A002' of .*x\.pkl"),
    ],
)
def test_missing_fields(write, lost, message):
    data = make_data(2, 1)
    del data['annotations'][1][lost]
    with pytest.raises(ValueError, match=message):
        LongTailPoseDataset(write(data, 'x.pkl'), [])


def test_two_annotations_of_one_name():
    data = make_data(2, 1)
    data['annotations'] *= 2
    with pytest.raises(ValueError, match=r"x\.pkl, but 'S000A001'.*several"):
        annotations_of(data, 'train', 'x.pkl')


def test_repeated_names():
    data = make_data(2, 1)
    with pytest.raises(ValueError, match='1 are repeated'):
        pick_annotations(data['annotations'], ['S000A001'] * 2, 'a list')


def test_the_order_is_the_splits():
    data = make_data(3, 2)
    data['split']['train'].reverse()
    names = [
        row['frame_dir'] for row in annotations_of(data, 'train', 'x.pkl')
    ]
    assert names == data['split']['train']


def split_of(form, names=str, order=lambda names: names):
    """Names that a split of a given form picks: 40 of 42."""
    data = make_data(3, 14)
    for i, row in enumerate(data['annotations']):
        row['frame_dir'] = names(i)
    data['split']['train'] = form(order([names(i) for i in range(40)]))
    return [sample_name(a) for a in annotations_of(data, 'train', 'x.pkl')]


@pytest.mark.parametrize('names', [str, int, np.int64, np.str_])
def test_a_list_has_its_order_and_a_set_that_of_the_file(names):
    # A set of text has another order in every process.
    plain = [str(i) if names in (str, np.str_) else i for i in range(40)]
    for form in (list, tuple, np.array, lambda n: dict.fromkeys(n).keys()):
        found = split_of(form, names, lambda n: n[::-1])
        assert found == plain[::-1]
        assert {type(name) for name in found} == {type(plain[0])}
    for form in (set, frozenset):
        assert split_of(form, names, lambda n: n[::-1]) == plain


@pytest.mark.parametrize(
    ('form', 'message'),
    [
        (lambda names: None, 'list of names .*None'),
        (lambda names: 'abc', "list of names .*'abc'"),
        (lambda names: 3, 'list of names .*3'),
        (lambda names: dict(train=names), 'list of names .*dict of 1'),
        (lambda names: [names], 'text or an integer .*list of 40'),
        (lambda names: np.array([names]), r'list of names .*\(1, 40\)'),
        (lambda names: [*names, None], 'text or an integer .*None'),
        (lambda names: [*names, True], 'text or an integer .*True'),
        (lambda names: [*names, 0.5], 'text or an integer .*0.5'),
        (lambda names: [*names, ''], "text or an integer .*''"),
        (lambda names: list(range(40)), 'integers in one place and text'),
        (lambda names: {99, *names}, r'1 of 41 have none: \[99\]'),
    ],
)
def test_what_is_no_split_is_refused(form, message):
    with pytest.raises(
        ValueError, match=r"(?s)split 'train' of x\.pkl.*"
    ) as e:
        split_of(form)
    assert re.search(message, str(e.value))


@pytest.mark.parametrize(
    'changes',
    [
        *(dict(split=v) for v in (None, ['train'], 'train', {}, {0: []})),
        *(dict(annotations=v) for v in (None, 'abc', {}, 7)),
    ],
)
def test_a_file_without_its_parts_is_refused(changes):
    with pytest.raises(ValueError, match=r'x\.pkl'):
        annotations_of(make_data(2, 1) | changes, 'train', 'x.pkl')


@pytest.mark.parametrize(
    'name', [None, '', True, 0.5, (1,), b'a', ['a'], [10**5000], np.array('a')]
)
def test_a_name_is_text_or_an_integer(name):
    data = make_data(2, 1)
    huge = name == [10**5000]  # pytest could not print this
    data['annotations'][1]['frame_dir'] = name[0] if huge else name
    with pytest.raises(ValueError, match=r'`frame_dir`.*x\.pkl.*number 1 '):
        annotations_of(data, None, 'x.pkl')


def test_filename_comes_before_frame_dir():
    data = make_data(2, 1)
    for i, row in enumerate(data['annotations']):
        row.update(filename=row['frame_dir'], frame_dir='the same')
        row.pop('frame_dir') if i else None
    names = data['split']['train']
    found = annotations_of(data, 'train', 'x.pkl')
    assert [sample_name(row) for row in found] == names
    assert sample_name(dict(filename=0, frame_dir=1)) == 0
    assert sample_name(dict(filename=None, frame_dir=1)) == 1


def test_a_list_may_lack_its_last_newline(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_text('one\nand another\r\n\ntwo')
    assert read_list(path) == ['one', 'and another', 'two']
    with pytest.raises(FileNotFoundError, match='none.txt'):
        read_list(tmp_path / 'none.txt')


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'new' / 'x.pkl'
    save_pickle([1], path)
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        save_pickle([2, lambda: 0], path)
    assert load_pickle(path) == [1]
    assert [p.name for p in path.parent.iterdir()] == ['x.pkl']
