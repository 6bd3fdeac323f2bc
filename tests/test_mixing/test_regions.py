from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plain.synthetic import synthetic_group
from mmdepthcp.mixing import pool_regions
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION


def test_regions_are_numbered_image_by_image():
    pool = pool_regions(*synthetic_group(0, 3, (30, 50), 9, holes=2))
    assert pool.num_regions == 21
    np.testing.assert_array_equal(pool.first_region, [0, 7, 14])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), num_images=st.integers(1, 3), height=st.integers(1, 30), width=st.integers(1, 50),
       count=st.integers(1, 9), holes=st.integers(0, 2), emptied=st.integers(0, 9))
def test_boxes_areas_greys_and_runs_equal_a_plain_count(seed, num_images, height, width, count, holes, emptied):
    images, maps, disparities = synthetic_group(seed, num_images, (height, width), count, min(holes, count - 1))
    maps[0][maps[0] == emptied] = emptied + 1  # an id without pixels
    pool = pool_regions(images, maps, disparities)
    for k in range(pool.num_regions):
        m = pool.image[k]
        mask = maps[m] == k - pool.first_region[m]
        assert pool.area[k] == mask.sum()
        runs = pool.runs[pool.run_start[k]:pool.run_start[k + 1]]
        painted = np.zeros(mask.shape, int)
        for row, start, end in runs:
            painted[row, start:end] += 1
        np.testing.assert_array_equal(painted, mask)
        if mask.any():
            rows, columns = np.nonzero(mask)
            assert (pool.left[k], pool.top[k], pool.right[k], pool.bottom[k]) == (
                columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert pool.mean_grey[k] == pytest.approx((images[m][mask] @ [0.114, 0.587, 0.299]).mean(), abs=0.5)
        else:
            assert pool.right[k] == pool.left[k] == pool.bottom[k] == pool.top[k]
    assert pool.image_grey[0] == pytest.approx((images[0] @ [0.114, 0.587, 0.299]).mean(), abs=0.5)


def test_borders_of_packed_images_and_disparity_are_repeated():
    images, maps, disparities = synthetic_group(1, 1, (8, 10), 3)
    pool = pool_regions(images, maps, disparities)
    np.testing.assert_array_equal(pool.disparity[0], np.pad(disparities[0], 1, mode='edge'))
    for channel in range(3):
        np.testing.assert_array_equal(
            (pool.packed[0] >> 21 * channel) & 255, np.pad(images[0][..., channel], 1, mode='edge'))


def test_an_image_without_regions_adds_none():
    images, maps, disparities = synthetic_group(2, 2, (8, 10), 3)
    maps[0][:] = NO_REGION
    pool = pool_regions(images, maps, disparities)
    assert pool.num_regions == 3
    np.testing.assert_array_equal(pool.image, 1)


def test_members_that_do_not_fit_are_named():
    images, maps, disparities = synthetic_group(3, 2, (8, 10), 3)
    with pytest.raises(InputError, match='group member 1: image of shape'):
        pool_regions([images[0], images[1][:7]], maps, disparities)
    with pytest.raises(InputError, match='group member 0: disparity of shape'):
        pool_regions(images, maps, [disparities[0][:, :9], disparities[1]])
    maps[1][0, 0] = -1
    with pytest.raises(InputError, match='group member 1: region ids'):
        pool_regions(images, maps, disparities)
