"""``PreNormalize2D`` against a naive loop, and against MMAction2's."""

import copy

import numpy as np
import pytest
from mmaction.datasets.transforms import PreNormalize2D as StockPreNormalize2D

from mmshapmix.datasets.transforms import PreNormalize2D

from ..conftest import make_annotations
from ..pyskl_steps import normalized_2d


def in_pixels(size=100):
    """Two persons; half of the joints are seen, in part of the picture."""
    (row,) = make_annotations(1, 1, 17, 2, persons=2, scores=True)
    rng = np.random.default_rng(1)
    row['keypoint'] = (row['keypoint'] + 5) * size
    row['keypoint_score'] = rng.choice(
        np.float32([0, 0.01, 0.02, 0.9]), row['keypoint_score'].shape
    )
    row['keypoint'][row['keypoint_score'] <= 0.01] *= 9
    row['img_shape'] = (480, 640)
    return row


@pytest.mark.parametrize('scores', [True, False])
@pytest.mark.parametrize(
    'options',
    [
        {},
        *(dict(mode='auto', threshold=t) for t in (0.01, 0.5, 1, None)),
        dict(threshold=0.5),
        dict(threshold=None),
    ],
)
@pytest.mark.parametrize('size', [100, 0.5])
def test_places_in_a_picture_are_normalised_as_pyskls(size, options, scores):
    """As a naive loop does it; a box of a few pixels is not scaled."""
    row = in_pixels(size)
    if not scores:
        del row['keypoint_score']
    kept = copy.deepcopy(row)
    results = PreNormalize2D(**options)(dict(row))
    expected = normalized_2d(
        row['keypoint'], row.get('keypoint_score'), (480, 640), **options
    )
    np.testing.assert_allclose(results['keypoint'], expected, atol=1e-5)
    np.testing.assert_equal(row, kept)
    if scores:
        assert results['keypoint_score'] is row['keypoint_score']


def test_the_box_is_of_what_is_seen():
    results = PreNormalize2D(mode='auto')(in_pixels())
    seen = results['keypoint_score'] > 0.01
    for axis in (0, 1):
        places = results['keypoint'][seen][:, axis]
        assert places.min() == pytest.approx(-1, abs=1e-6)
        assert places.max() == pytest.approx(1)
    assert (results['keypoint'][~seen] == 0).all()


def test_a_fixed_picture_is_mmaction2s():
    """This holds if all joints are shown; the default size is the same."""
    row = in_pixels()
    del row['img_shape']
    stock = StockPreNormalize2D()(copy.deepcopy(row))
    half = row['keypoint'].astype(np.float16)
    ours = PreNormalize2D(threshold=None)(row)['keypoint']
    np.testing.assert_allclose(ours, stock['keypoint'], atol=1e-6)
    wide = PreNormalize2D(img_shape=(540, 960))
    wider = wide(dict(keypoint=half))['keypoint']
    assert wider.dtype == np.float32  # not for Kinetics' half precision
    np.testing.assert_allclose(wider, 2 * ours + 1, atol=1e-2)


def test_what_is_not_normalised_in_a_picture():
    with pytest.raises(ValueError, match=r"\['auto', 'fix'\], but got 'box'"):
        PreNormalize2D(mode='box')
    with pytest.raises(ValueError, match=r'but got shape \(2, 12, 17, 3\)'):
        PreNormalize2D()(dict(keypoint=np.zeros((2, 12, 17, 3))))
