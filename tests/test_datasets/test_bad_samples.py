"""Bad samples among thousands are left out on request, and listed."""

import datetime
import os

import numpy as np
import pytest
from mmengine.logging import MMLogger

from mmshapmix.datasets import LongTailPoseDataset

from ..conftest import make_data

MASKED = np.ma.masked_array(np.zeros((1, 12, 25, 3)))
RAGGED = np.array([[1], [1, 2]], dtype=object)
RECORDS = np.zeros(3, [('x', 'f4')])


class Evil:
    def __reduce__(self):
        return os.mkdir, ('made by a pickle',)


def spoilt(**changes):
    data = make_data(3, 4)
    data['annotations'][5].update(changes)
    return data


@pytest.fixture
def log(tmp_path):
    """Content of the log file."""
    path = tmp_path / 'log.txt'
    MMLogger.get_instance('of the test', log_file=str(path))
    yield path.read_text
    MMLogger._instance_dict.popitem()


@pytest.mark.parametrize(
    'changes',
    [
        dict(keypoint=np.full((1, 12, 25, 3), np.nan)),
        dict(label='jump'),
        dict(total_frames=9),
        dict(keypoint=RAGGED),
        dict(keypoint=RECORDS),
        dict(keypoint=MASKED),
        dict(label=datetime.date(2020, 1, 1)),
        dict(label=Evil()),
    ],
)
def test_a_bad_sample_is_named_or_left_out(write, log, changes):
    path = write(spoilt(**changes))
    with pytest.raises(ValueError, match='S001A003.*data.pkl.*--skip-bad'):
        LongTailPoseDataset(path, [], split='train')
    dataset = LongTailPoseDataset(path, [], split='train', skip_bad=True)
    assert len(dataset) == len(dataset.labels) == 11
    assert 'S001A003' not in dataset.names
    assert f'1 bad samples of {path} (train) are left out' in log()
    assert log().count("'S001A003'") == 2  # a warning, and the list
    assert not os.path.exists('made by a pickle')


def test_all_bad_samples_are_listed(write, log):
    data = make_data(3, 4)
    for row in data['annotations'][3:9]:
        row['label'] = None
    data['split']['train'] += ['nobody', 'S000A001']
    data['annotations'] += [dict(data['annotations'][0]), {}, 7]
    path = write(data)
    dataset = LongTailPoseDataset(path, [], split='train', skip_bad=True)
    assert len(dataset) == 6
    listed = log().split('are left out:')[1]
    for row in data['annotations'][3:9]:
        assert repr(row['frame_dir']) in listed
    for text in ("'nobody' in split", 'several', 'number 13', 'number 14'):
        assert text in listed


def test_a_file_of_nothing_but_bad_samples_is_refused(write):
    data = make_data(3, 1)
    for row in data['annotations']:
        row['keypoint'] = None
    path = write(data)
    with pytest.raises(ValueError, match='all are bad.*S000A001'):
        LongTailPoseDataset(path, [], split='train', skip_bad=True)


def test_what_is_not_in_a_sample_is_never_left_out(write):
    for data in (Evil(), dict(make_data(3, 1), more=[Evil()])):
        with pytest.raises(ValueError, match='asks for (posix|nt).mkdir'):
            LongTailPoseDataset(write(data), [], skip_bad=True)
    data = spoilt(valid={0.5: Evil()})
    with pytest.raises(ValueError, match='asks for (posix|nt).mkdir'):
        LongTailPoseDataset(write(data), [], skip_bad=True)
