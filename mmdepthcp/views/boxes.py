"""Random resized crops that remember where they were taken, and what their cells show."""

from __future__ import annotations

import math
from itertools import pairwise

import numba
import numpy as np

ATTEMPTS = 10
MOST_VALUES = 256
"""Of a cell with more known values than this, so many, evenly spread, make the median."""
POOLINGS = ('median', 'mean', 'nearest')


def sample_box(rng: np.random.Generator, image_size: tuple[int, int], area_range: tuple[float, float],
               aspect_range: tuple[float, float]) -> tuple[int, int, int, int]:
    """Draw the box of a random resized crop (Szegedy et al., CVPR 2015).

    Its share of the image's area is uniform, its aspect ratio log-uniform, its place uniform. Where ten draws do not
    fit into the image, it is the largest centred one of the closest aspect ratio.

    Args:
        rng: source of randomness.
        image_size: (H, W).
        area_range: of the share, in 0..1.
        aspect_range: of width / height.

    Returns:
        (left, top, width, height) in pixels.
    """
    height, width = image_size
    low, high = np.log(aspect_range)
    for _ in range(ATTEMPTS):
        area, aspect = rng.uniform(*area_range) * height * width, math.exp(rng.uniform(low, high))
        wide, tall = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            left, top = (int(rng.integers(0, room, endpoint=True)) for room in (width - wide, height - tall))
            return left, top, wide, tall
    aspect = min(max(width / height, aspect_range[0]), aspect_range[1])
    wide, tall = min(width, round(height * aspect)), min(height, round(width / aspect))
    return (width - wide) // 2, (height - tall) // 2, wide, tall


def oriented_box(box: tuple[int, int, int, int], image_size: tuple[int, int], flipped: bool,
                 normalised: bool = False) -> np.ndarray:
    """A box as (x_left, y_top, x_right, y_bottom), float32, x exchanged in a mirrored view.

    Args:
        box: (left, top, width, height) in pixels.
        image_size: (H, W).
        flipped: whether the view is mirrored.
        normalised: x and y in shares of the image's width and height, each of 1, ends included, as the published code
            of PixPro has them; then distances along the longer side of the image seem shorter. Else in pixels.

    Example:
        >>> oriented_box((20, 0, 41, 41), (101, 101), True, normalised=True).round(2).tolist()
        [0.6000000238418579, 0.0, 0.20000000298023224, 0.4000000059604645]
    """
    left, top, width, height = box
    corners = np.array([left, top, left + width, top + height], np.float64)
    if normalised:
        corners[2:] -= 1
        corners /= np.array([image_size[1], image_size[0]] * 2) - 1
    return corners[[2, 1, 0, 3] if flipped else [0, 1, 2, 3]].astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _pool(values, top, left, height, width, rows, columns, min_valid, by_mean, pooled):
    kept = np.empty((math.ceil(height / rows) + 2) * (math.ceil(width / columns) + 2), np.float32)
    for row in range(rows):
        first = top + int(row * height / rows)
        last = max(first + 1, top + int((row + 1) * height / rows))
        for column in range(columns):
            start = left + int(column * width / columns)
            end = max(start + 1, left + int((column + 1) * width / columns))
            found, total = 0, 0.
            for y in range(first, last):
                for x in range(start, end):
                    value = values[y, x]
                    if value > 0:  # not NaN either
                        kept[found] = value
                        total += value
                        found += 1
            if found == 0 or found < min_valid * (last - first) * (end - start):
                pooled[row, column] = np.nan
            elif by_mean:
                pooled[row, column] = total / found
            else:
                step = (found - 1) // MOST_VALUES + 1
                pooled[row, column] = np.median(kept[:found:step])


def _on_raster(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box in shares of the image as pixels of a map of (h, w), one of them at least."""
    high, wide = size
    left, top = min(round(box[0] * wide), wide - 1), min(round(box[1] * high), high - 1)
    width = min(max(1, round(box[2] * wide)), wide - left)
    return left, top, width, min(max(1, round(box[3] * high)), high - top)


def pool_cells(disparity: np.ndarray, box: tuple[float, float, float, float], flipped: bool, grid: tuple[int, int],
               pooling: str = 'median', min_valid: float = 0.5) -> np.ndarray:
    """Disparity of the cells of a view.

    Args:
        disparity: (h, w) float32 of the image, at whatever raster; what is not above 0, NaN too, is unknown.
        box: (left, top, width, height) of the view, in shares of the image.
        flipped: whether the view is mirrored.
        grid: (rows, columns) cells.
        pooling: 'median' of what is known in a cell, which stays on one of the surfaces where two meet; 'mean';
            'nearest', the pixel in the middle.
        min_valid: share of a cell's pixels that must be known; 0: one pixel.

    Returns:
        (rows, columns) float32, NaN where it is unknown.

    Example:
        >>> disparity = np.float32([[1, 1, 4, 4], [1, 1, 4, 0], [2, 2, 8, 8], [2, 0, 8, 8]])  # 0: unknown
        >>> pool_cells(disparity, (0, 0, 1, 1), True, (2, 2), 'mean').tolist()
        [[4.0, 1.0], [8.0, 2.0]]
    """
    left, top, width, height = _on_raster(box, disparity.shape)
    if pooling == 'nearest':
        rows, columns = (
            start + ((np.arange(count) + 0.5) * side / count).astype(int)
            for start, side, count in ((top, height, grid[0]), (left, width, grid[1])))
        pooled = disparity[rows[:, None], columns].astype(np.float32)
        pooled[~(pooled > 0)] = np.nan
    else:
        pooled = np.empty(grid, np.float32)
        _pool(disparity, top, left, height, width, *grid, min_valid, pooling == 'mean', pooled)
    return pooled[:, ::-1] if flipped else pooled


def cell_classes(labels: np.ndarray, box: tuple[float, float, float, float], flipped: bool,
                 grid: tuple[int, int]) -> np.ndarray:
    """The most frequent label of the cells of a view, the smallest of several.

    Args:
        labels: (h, w) uint8 of the image.
        box, flipped, grid: see :func:`pool_cells`.

    Returns:
        (rows, columns) uint8.
    """
    left, top, width, height = _on_raster(box, labels.shape)
    rows, columns = (np.arange(count + 1) * side // count for count, side in zip(grid, (height, width), strict=True))
    found = np.array([[
        np.bincount(labels[top + row:top + max(low, row + 1), left + column:left + max(far, column + 1)].ravel(),
                    minlength=256).argmax()
        for column, far in pairwise(columns)] for row, low in pairwise(rows)], np.uint8)
    return found[:, ::-1] if flipped else found
