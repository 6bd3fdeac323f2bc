from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest
import torch

from mmdepthcp.datasets.transforms import LoadDisparity
from mmdepthcp.datasets.transforms.formatting import view_of
from mmdepthcp.geometry.points import cell_depth
from mmdepthcp.preparation.disparity_export import (
    DisparityFile,
    convert_tree,
    read_cityscapes_disparity,
    read_depth_as_disparity,
    read_inverse_as_disparity,
)
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_disparity, read_uint16


@pytest.fixture
def depths(tmp_path):
    """Depth maps of which the left half has no value."""
    for name in ('ulm/a', 'ulm/b', 'bonn/c'):
        path = tmp_path / f'depth/{name}_depth.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.array([[0, 512]] * 2, np.uint16))
    return tmp_path


def _convert(root, holes='nearest', num_workers=0, **kwargs):
    work = DisparityFile(root / 'depth', root / 'out', '_depth.png', '_leftImg8bit',
                         partial(read_depth_as_disparity, nearest=1., holes=holes))
    return convert_tree(work, dict(holes=holes), num_workers, **kwargs)


@pytest.mark.parametrize(('holes', 'expected'), [('nearest', [[.5, .5]] * 2), ('far', [[1 / 65535, .5]] * 2)])
def test_depth_maps(depths, holes, expected):
    assert _convert(depths, holes, num_workers=2) == ([], 3)
    for name in ('ulm/a', 'ulm/b', 'bonn/c'):
        np.testing.assert_allclose(read_disparity(depths / f'out/{name}_leftImg8bit.png'), expected, rtol=2e-5)


@pytest.mark.parametrize(('values', 'largest', 'expected'), [
    (np.array([[0, 51], [51, 255]], np.uint8), 255, [[.2, .2], [.2, 1]]),
    (np.array([[0, 3000], [3000, 65535]], np.uint16), 30000, [[.1, .1], [.1, 1]]),
    (np.array([[np.nan, 2], [2, 6]]), 8, [[.25, .25], [.25, .75]])])
def test_inverse_depth(tmp_path, values, largest, expected):
    """A hole is like its nearest neighbour, or far; what is closer than the largest is 1."""
    file = tmp_path / f'a{".npy" if values.dtype == float else ".png"}'
    np.save(file, values) if values.dtype == float else cv2.imwrite(str(file), values)
    read = partial(read_inverse_as_disparity, file, largest)
    np.testing.assert_allclose(read('nearest'), expected, rtol=1e-6)
    assert read('far')[0, 0] == pytest.approx(1 / 65535) and read('far')[0, 1] == pytest.approx(expected[0][1])


def test_inverse_depth_as_a_coloured_picture(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(InputError, match='values, not colours'):
        read_inverse_as_disparity(tmp_path / 'a.png', 255, 'far')


def test_sky_is_known_to_be_far(depths):
    """And not taken for a hole, which would be given the disparity of what is nearest to it in the image."""
    assert _convert(depths, 'far') == ([], 3)
    file = depths / 'out/ulm/a_leftImg8bit.png'
    assert read_uint16(file, '', '').tolist() == [[1, 32768]] * 2
    member = LoadDisparity()(dict(img_path='a', ori_shape=(2, 2), disparity_path=str(file)))
    disparity = view_of(dict(member, img=np.zeros((2, 2, 3), np.uint8)))['disparity']
    found = cell_depth(torch.from_numpy(disparity)[None], (2, 2), max_depth=40)
    np.testing.assert_allclose(found[0], [[40, 2]] * 2, rtol=1e-4)


def test_shards_restart_and_failures(depths):
    assert _convert(depths, shard=(1, 2)) == ([], 1)
    cv2.imwrite(str(depths / 'depth/ulm/b_depth.png'), np.zeros((2, 2), np.uint16))
    failures, tried = _convert(depths)
    assert tried == 2 and [failure.path for failure in failures] == ['ulm/b_depth.png']
    assert 'no pixel has a value' in failures[0].message and 'ulm/b_depth.png' in failures[0].message
    assert not (depths / 'out/ulm/b_leftImg8bit.png').exists()
    cv2.imwrite(str(depths / 'depth/ulm/b_depth.png'), np.full((2, 2), 256, np.uint16))
    assert _convert(depths) == ([], 1)
    assert _convert(depths) == ([], 0)


def test_changed_depth_maps_are_converted_anew(depths):
    assert _convert(depths) == ([], 3)
    cv2.imwrite(str(depths / 'depth/ulm/a_depth.png'), np.full((2, 2), 1024, np.uint16))
    assert _convert(depths) == ([], 1)
    np.testing.assert_allclose(read_disparity(depths / 'out/ulm/a_leftImg8bit.png'), .25, atol=1e-5)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(InputError, match='no such folder'):
        _convert(tmp_path)
    (tmp_path / 'depth').mkdir()
    with pytest.raises(InputError, match='holds no file'):
        _convert(tmp_path)
    assert not (tmp_path / 'out').exists()


def test_cityscapes_disparity(tmp_path):
    file = tmp_path / 'a_disparity.png'
    cv2.imwrite(str(file), np.array([[0, 1 + 256 * 64], [0, 1 + 256 * 64]], np.uint16))
    np.testing.assert_allclose(read_cityscapes_disparity(file, 128.), .5)
    cv2.imwrite(str(file), np.zeros((2, 2), np.uint16))
    with pytest.raises(InputError, match=r'a_disparity\.png: no pixel'):
        read_cityscapes_disparity(file, 128.)
