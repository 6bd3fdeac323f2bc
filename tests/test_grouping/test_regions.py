"""Depth regions: the acceptance scenes, connectivity, determinism, odd input."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from benchmarks.plain import grouping as plain
from mmdepthcp.grouping import (
    PRESETS,
    GroupingParams,
    achievable_accuracy,
    group_regions,
    merge_small,
    split_disconnected,
)

INTRINSICS = np.array([[0.58, 0, 0.5], [0, 1.16, 0.5], [0, 0, 1]])
SMALL = GroupingParams(num_superpixels=1800)
PAPER = replace(PRESETS['paper'], num_superpixels=1800)


def street(seed=0, height=96, width=192):
    """Ground, far wall above the horizon and a box that stands on the ground; image, disparity, part of each pixel."""
    rng = np.random.default_rng(seed)
    v = (np.arange(height) + 0.5) / height
    disparity = np.maximum((v - 0.5) / 1.16 / 1.5, 0.02)[:, None] * np.ones(width)
    part = np.where(v[:, None] > 0.5 + 0.02 * 1.16 * 1.5, 0, 1) * np.ones(width, int)
    box = np.s_[48:72, 64:112]
    disparity[box] = disparity[71, 0]
    part[box] = 2
    palette = np.array([[90, 90, 90], [200, 170, 150], [40, 40, 160]])
    image = np.clip(palette[part] + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)
    return image, disparity.astype(np.float32), part


def count_pieces(regions):
    return sum(ndimage.label(regions == region)[1] for region in np.unique(regions))


def assert_valid(regions, shape):
    assert regions.dtype == np.int32 and regions.shape == shape
    ids, first = np.unique(regions, return_index=True)
    assert ids.tolist() == list(range(len(ids))) and (np.diff(first) > 0).all()
    assert count_pieces(regions) == len(ids)


@pytest.mark.parametrize('preset', PRESETS)
def test_two_planes_at_different_depth_are_one_region_each(preset):
    plane = (np.arange(192) >= 96) * np.ones((96, 1), int)
    disparity = np.where(plane == 0, 0.1, 0.4).astype(np.float32)
    image = np.where(plane == 0, 80, 170)[..., None].astype(np.uint8).repeat(3, axis=2)
    regions = group_regions(image, disparity, INTRINSICS, replace(PRESETS[preset], num_superpixels=1800))
    assert np.array_equal(regions, plane)


def test_box_on_the_ground_is_apart_from_it():
    image, disparity, part = street()
    regions = group_regions(image, disparity, INTRINSICS, SMALL)
    box = np.isin(regions, np.unique(regions[52:66, 70:106]))
    assert box[part == 2].mean() > 0.9 and not box[part != 2].any()
    assert achievable_accuracy(regions, part) > 0.99


def test_support_term_parts_the_box_from_the_ground_it_stands_on():
    image, disparity, part = street()
    image[:] = 120

    def leak(support):
        params = replace(SMALL, weights=(0.2, 30, support, -5), threshold=0.05)
        regions = group_regions(image, disparity, INTRINSICS, params)
        return np.isin(regions, np.unique(regions[52:66, 70:106]))[part == 0].mean()

    assert leak(0.0) > 0.05 and leak(4.0) == 0


@pytest.mark.parametrize('params', [SMALL, PAPER], ids=['default', 'paper'])
def test_regions_are_valid_and_repeat(params):
    image, disparity, _ = street(1)
    regions = group_regions(image, disparity, INTRINSICS, params)
    assert_valid(regions, disparity.shape)
    assert np.array_equal(regions, group_regions(image.copy(), disparity.copy(), INTRINSICS, params))


def test_number_of_regions_is_limited():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 80, 3), np.uint8)
    disparity = rng.uniform(0, 1, (60, 80)).astype(np.float32)
    assert group_regions(image, disparity, INTRINSICS, GroupingParams(max_regions=7)).max() == 6


def test_scale_of_disparity_does_not_matter():
    image, disparity, _ = street(4)
    disparity = np.maximum(disparity, 0.02)
    assert np.array_equal(
        group_regions(image, disparity, INTRINSICS, SMALL), group_regions(image, disparity / 2, INTRINSICS, SMALL))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10 ** 6), st.sampled_from([1, 20, 10000]))
def test_any_image_gives_valid_regions(height, width, seed, number):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    disparity = rng.uniform(0, 1, (height, width)).astype(np.float32)
    assert_valid(group_regions(image, disparity, INTRINSICS, GroupingParams(num_superpixels=number)), (height, width))


def test_single_colour_image_is_grouped_by_depth():
    image, disparity, part = street()
    image[:] = 120
    regions = group_regions(image, disparity, INTRINSICS, SMALL)
    assert_valid(regions, disparity.shape)
    assert achievable_accuracy(regions, part) > 0.97


def test_constant_depth_and_colour_is_one_region():
    image, disparity = np.full((40, 60, 3), 9, np.uint8), np.full((40, 60), 0.3, np.float32)
    regions = group_regions(image, disparity, INTRINSICS, SMALL)
    assert not regions.any()


def test_zero_disparity_in_the_sky_is_far_away():
    image, disparity, part = street()
    disparity[part == 1] = 0
    regions = group_regions(image, disparity, INTRINSICS, SMALL)
    assert_valid(regions, disparity.shape)
    assert not set(regions[part == 1][:500]) & set(regions[part == 2][-500:])


def test_small_regions_are_joined():
    image, disparity, _ = street(2)
    disparity[20:24, 150:154] = 0.9
    few = group_regions(image, disparity, INTRINSICS, replace(SMALL, min_area=0.01))
    assert np.bincount(few.ravel()).min() >= 0.01 * few.size
    assert group_regions(image, disparity, INTRINSICS, SMALL).max() > few.max()


def test_superpixel_area_sets_their_size():
    image, disparity, _ = street()
    by_area = replace(SMALL, num_superpixels=10 ** 6, superpixel_area=disparity.size / 1800)
    assert np.array_equal(
        group_regions(image, disparity, INTRINSICS, by_area), group_regions(image, disparity, INTRINSICS, SMALL))


def test_the_papers_settings_do_what_the_plain_version_does():
    image, disparity, part = street(3)
    theirs = achievable_accuracy(plain.plain_group_regions(image, disparity, INTRINSICS, 1800), part)
    ours = achievable_accuracy(group_regions(image, disparity, INTRINSICS, PAPER), part)
    assert 0.9 < ours and abs(ours - theirs) < 0.05


def test_split_disconnected():
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    assert split_disconnected(np.array([7, 7, 1, 7, 7]), pairs).tolist() == [0, 0, 1, 2, 2]


def test_merge_small_takes_the_least_weight():
    pairs, weights = np.array([[0, 1], [1, 2]]), np.array([0.9, 0.5])
    assert merge_small(np.arange(3), pairs, weights, np.array([10, 1, 10]), 2).tolist() == [0, 1, 1]
    assert merge_small(np.arange(3), pairs, weights, np.array([1, 1, 1]), 9).tolist() == [0, 0, 0]
    assert merge_small(np.arange(2), np.zeros((0, 2), int), np.zeros(0), np.ones(2), 9).tolist() == [0, 1]


@pytest.mark.parametrize('image, disparity, message', [
    (np.zeros((8, 8, 3), np.uint8), np.ones((8, 9), np.float32), 'must match'),
    (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), 'zero everywhere'),
    (np.zeros((8, 8, 3), np.uint8), np.full((8, 8), np.nan, np.float32), 'not finite'),
    (np.zeros((8, 8), np.uint8), np.ones((8, 8), np.float32), 'uint8 of shape'),
    (np.zeros((8, 8, 3), np.float32), np.ones((8, 8), np.float32), 'uint8 of shape'),
])
def test_bad_input_is_named(image, disparity, message):
    with pytest.raises(ValueError, match=message):
        group_regions(image, disparity, INTRINSICS)


@pytest.mark.parametrize('intrinsics, message', [
    (np.zeros((3, 3)), 'rows'), (np.diag([0., 0, 1]), 'positive'), (np.diag([1, np.nan, 1]), 'finite'),
    (np.diag([-1., 1, 1]), 'positive'), (np.array([[721.5, 0, 609.6], [0, 721.5, 172.9], [0, 0, 1]]), 'pixels'),
    (np.ones((2, 2)), '3x3'), (np.diag([1e-3, 1, 1]), 'twice')])
def test_intrinsics_of_no_camera_are_named(intrinsics, message):
    image, disparity, _ = street()
    with pytest.raises(ValueError, match=f'intrinsics: .*{message}'):
        group_regions(image, disparity, intrinsics, SMALL)


def test_window_cut_out_beside_the_principal_point_is_grouped():
    image, disparity, _ = street()
    window = np.array([[2.32, 0, -0.3], [0, 1.16, 0.5], [0, 0, 1]])
    assert group_regions(image[:, 96:144].copy(), disparity[:, 96:144].copy(), window, SMALL).max() > 0


def test_camera_has_no_silent_default():
    image, disparity, _ = street()
    with pytest.raises(TypeError, match='intrinsics'):
        group_regions(image, disparity)


@pytest.mark.parametrize('changes', [
    dict(method='leiden'), dict(formula='x'), dict(superpixel_area=0.5), dict(num_superpixels=0), dict(max_regions=0),
    dict(min_area=1.0), dict(num_superpixels=2.5), dict(iterations=0), dict(seed=-1), dict(compactness=0),
    dict(sigma=-1.0), dict(depth_contrast=math.inf), dict(area_power='x'), dict(threshold=math.nan),
    dict(threshold=1.5), dict(max_regions=True), dict(weights=(1, 2, 3, math.nan))])
def test_bad_settings_are_named(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        GroupingParams(**changes)
