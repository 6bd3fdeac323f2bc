"""All regions of a group of images as one pool, prepared for rendering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION

LANE_BITS = 21
"""Distance in bits between the channels B, G, R of a packed pixel: room for 8 bits times 13 bits of
weights."""


@dataclass(frozen=True)
class RegionPool:
    """The K regions of M images of H×W pixels; region k of the pool is region ``k - first_region[m]`` of
    image m.

    Attributes:
        region_maps: (M, H, W) int32, ids within the image, ``NO_REGION`` where there is none.
        packed: (M, H+2, W+2) int64 images with one pixel of border repeated; B, G, R at bits 0, 21, 42.
        disparity: (M, H+2, W+2) float32, likewise.
        first_region: (M,) int64.
        image: (K,) int64, the image of each region.
        left: (K,) int64, a side of the tight box, whose right and bottom are exclusive; an id without pixels has
            an empty box.
        top: likewise.
        right: likewise.
        bottom: likewise.
        area: (K,) int64 pixels.
        mean_grey: (K,) float64, 0..255.
        image_grey: (M,) float64, mean grey value of each image.
        run_start: (K+1,) int64; the runs of region k are ``runs[run_start[k]:run_start[k + 1]]``.
        runs: (N, 3) int32: row, first column, end column (exclusive) of each row-wise run of pixels of a
            region.
    """

    region_maps: np.ndarray
    packed: np.ndarray
    disparity: np.ndarray
    first_region: np.ndarray
    image: np.ndarray
    left: np.ndarray
    top: np.ndarray
    right: np.ndarray
    bottom: np.ndarray
    area: np.ndarray
    mean_grey: np.ndarray
    image_grey: np.ndarray
    run_start: np.ndarray
    runs: np.ndarray

    @property
    def num_regions(self) -> int:
        return len(self.image)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the images."""
        return self.region_maps.shape[1], self.region_maps.shape[2]

    @property
    def num_images(self) -> int:
        return len(self.region_maps)


@numba.njit(cache=True, nogil=True)
def _pack(image, disparity, packed, padded):
    """Fill one image's slice of ``RegionPool.packed`` and ``RegionPool.disparity``."""
    height, width = disparity.shape
    for y in range(height):
        for x in range(width):
            packed[y + 1, x + 1] = (
                np.int64(image[y, x, 0])
                | (np.int64(image[y, x, 1]) << LANE_BITS)
                | (np.int64(image[y, x, 2]) << 2 * LANE_BITS))
            padded[y + 1, x + 1] = disparity[y, x]
        packed[y + 1, 0], packed[y + 1, width + 1] = packed[y + 1, 1], packed[y + 1, width]
        padded[y + 1, 0], padded[y + 1, width + 1] = padded[y + 1, 1], padded[y + 1, width]
    packed[0], packed[height + 1] = packed[1], packed[height]
    padded[0], padded[height + 1] = padded[1], padded[height]


@numba.njit(cache=True, nogil=True)
def _collect_runs(image, regions, first, boxes, area, grey, counts, runs, owners):
    """Cut one region map into row-wise runs in raster order and sum up what is known of each region.

    ``grey`` sums 256 times the grey value. Returns the number of runs and the grey sum of the whole image.
    """
    height, width = regions.shape
    found = 0
    total = 0
    for y in range(height):
        x = 0
        while x < width:
            region = regions[y, x]
            start = x
            value = 0
            while x < width and regions[y, x] == region:
                value += 29 * image[y, x, 0] + 150 * image[y, x, 1] + 77 * image[y, x, 2]
                x += 1
            total += value
            if region == NO_REGION:
                continue
            k = first + region
            boxes[k, 0] = min(boxes[k, 0], start)
            boxes[k, 1] = min(boxes[k, 1], y)
            boxes[k, 2] = max(boxes[k, 2], x)
            boxes[k, 3] = y + 1
            area[k] += x - start
            grey[k] += value
            counts[k] += 1
            runs[found, 0], runs[found, 1], runs[found, 2] = y, start, x
            owners[found] = k
            found += 1
    return found, total


@numba.njit(cache=True, nogil=True)
def _distribute_runs(found, owners, position, sorted_runs):
    """Counting sort: put each run where its region's next one belongs."""
    for i in range(len(owners)):
        at = position[owners[i]]
        sorted_runs[at, 0], sorted_runs[at, 1], sorted_runs[at, 2] = found[i, 0], found[i, 1], found[i, 2]
        position[owners[i]] = at + 1


@numba.njit(cache=True, nogil=True)
def _id_range(regions):
    """Smallest and largest id of a region map, not counting ``NO_REGION``; the largest is −1 if there is none."""
    smallest, largest = NO_REGION, -1
    for y in range(regions.shape[0]):
        for x in range(regions.shape[1]):
            region = regions[y, x]
            smallest = min(smallest, region)
            if region != NO_REGION:
                largest = max(largest, region)
    return smallest, largest


def _check_sizes(
    images: Sequence[np.ndarray],
    region_maps: Sequence[np.ndarray],
    disparities: Sequence[np.ndarray],
) -> None:
    size = images[0].shape[:2]
    for index, (image, regions, disparity) in enumerate(zip(images, region_maps, disparities, strict=True)):
        expected = ('image', image, (*size, 3)), ('regions', regions, size), ('disparity', disparity, size)
        for name, array, shape in expected:
            if array.shape != shape:
                raise InputError(f'group member {index}: {name} of shape {array.shape}, expected {shape}; '
                                 'resize all members of a group, and their maps, to one size')


def _count_ids(regions: np.ndarray, index: int) -> int:
    smallest, largest = _id_range(regions)
    if smallest < 0 or largest > NO_REGION:
        raise InputError(f'group member {index}: region ids must lie in 0..{NO_REGION - 1} or be {NO_REGION}, got '
                         f'{smallest}..{largest}')
    return largest + 1


def pool_regions(
    images: Sequence[np.ndarray],
    region_maps: Sequence[np.ndarray],
    disparities: Sequence[np.ndarray],
) -> RegionPool:
    """Put the regions of a group of images into one pool.

    Args:
        images: M arrays (H, W, 3) uint8, BGR.
        region_maps: M arrays (H, W) int, ids from 0, ``NO_REGION`` for none.
        disparities: M arrays (H, W) float, larger is closer, one scale for all.

    Raises:
        InputError: sizes differ or a region id is out of range.

    Example:
        >>> regions = np.array([[0, 0, 1], [0, NO_REGION, 1]])
        >>> pool = pool_regions([np.zeros((2, 3, 3), np.uint8)], [regions], [np.ones((2, 3))])
        >>> pool.area.tolist(), pool.left.tolist(), pool.right.tolist()
        ([3, 2], [0, 2], [2, 3])
    """
    _check_sizes(images, region_maps, disparities)
    num_images, (height, width) = len(images), images[0].shape[:2]
    maps = np.stack(region_maps, dtype=np.int32, casting='unsafe')
    per_image = [_count_ids(regions, index) for index, regions in enumerate(maps)]
    ends = np.cumsum(per_image)
    first_region, total = ends - per_image, int(ends[-1])

    packed = np.empty((num_images, height + 2, width + 2), np.int64)
    padded = np.empty(packed.shape, np.float32)
    boxes = np.tile(np.array([width, height, 0, 0], np.int64), (total, 1))
    area, grey, counts = np.zeros(total, np.int64), np.zeros(total, np.int64), np.zeros(total, np.int64)
    found = np.empty((num_images * height * width, 3), np.int32)
    owners = np.empty(len(found), np.int32)
    image_grey = np.empty(num_images)
    num_runs = 0
    for m in range(num_images):
        image = np.ascontiguousarray(images[m])
        _pack(image, np.ascontiguousarray(disparities[m], np.float32), packed[m], padded[m])
        added, grey_sum = _collect_runs(
            image, maps[m], first_region[m], boxes, area, grey, counts, found[num_runs:], owners[num_runs:])
        image_grey[m] = grey_sum / (256 * height * width)
        num_runs += added
    run_start = np.concatenate([[0], np.cumsum(counts)])
    runs = np.empty((num_runs, 3), np.int32)
    _distribute_runs(found[:num_runs], owners[:num_runs], run_start[:-1].copy(), runs)
    left, top, right, bottom = np.where(area[:, None] > 0, boxes, 0).T
    return RegionPool(
        region_maps=maps, packed=packed, disparity=padded, first_region=first_region,
        image=np.repeat(np.arange(num_images), per_image), left=left, top=top, right=right, bottom=bottom,
        area=area, mean_grey=grey / (256 * np.maximum(area, 1)), image_grey=image_grey, run_start=run_start, runs=runs)
