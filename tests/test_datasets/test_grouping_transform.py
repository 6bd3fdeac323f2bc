"""The transform: the core's result, intrinsics of the item first, errors with file names."""

import numpy as np
import pytest

from mmdepthcp.datasets.transforms import DepthRegionGrouping
from mmdepthcp.grouping import GroupingParams, group_regions
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError

CAMERA = (0.6, 1.2, 0.5, 0.5)
MATRIX = np.array([[0.6, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]])


def item():
    rng = np.random.default_rng(0)
    return dict(
        img=rng.integers(0, 256, (24, 48, 3), np.uint8), img_path='street.png', disparity_path='depth.png',
        disparity=np.linspace(0.02, 0.5, 24, dtype=np.float32)[:, None].repeat(48, 1))


def test_regions_are_the_cores():
    transform = TRANSFORMS.build(
        dict(type='DepthRegionGrouping', intrinsics=CAMERA, num_superpixels=100, max_regions=9))
    params = GroupingParams(num_superpixels=100, max_regions=9)
    results = transform(item())
    expected = group_regions(results['img'], results['disparity'], MATRIX, params)
    assert np.array_equal(results['regions'], expected)
    assert results['regions'].max() < 9 and 'num_superpixels=100' in repr(transform)


def test_intrinsics_of_the_item_come_first():
    own = np.array([[1.0, 0, 0.5], [0, 2, 0.4], [0, 0, 1]])
    transform = DepthRegionGrouping(intrinsics=CAMERA)
    assert np.array_equal(transform.intrinsics, MATRIX)
    results = transform(dict(item(), intrinsics=own))
    assert np.array_equal(results['regions'], group_regions(results['img'], results['disparity'], own))


def test_errors_name_the_files():
    with pytest.raises(InputError, match=r'street.png, depth.png: .*must match'):
        DepthRegionGrouping(CAMERA)(dict(item(), disparity=np.ones((24, 24), np.float32)))


def test_camera_has_to_be_known():
    with pytest.raises(InputError, match=r'street.png: the camera is not known: set intrinsics .*fx / width'):
        DepthRegionGrouping()(item())
    with pytest.raises(InputError, match=r'DepthRegionGrouping: intrinsics: .*pixels'):
        DepthRegionGrouping(intrinsics=(721.5, 721.5, 609.6, 172.9))
    with pytest.raises(InputError, match=r'street.png, depth.png: intrinsics: .*positive'):
        DepthRegionGrouping()(dict(item(), intrinsics=np.diag([0., 0, 1])))
