"""Regions that do not come from depth, to find out what depth regions are worth."""

from __future__ import annotations

import numpy as np

from .superpixels import connected_components


def grid_regions(size: tuple[int, int], number: int) -> np.ndarray:
    """About ``number`` equal rectangles, as square as the image allows.

    Args:
        size: (H, W).
        number: of rectangles, from 1 on.

    Returns:
        (H, W) int32 ids 0..R−1 in raster order, R = rows · columns.

    Example:
        >>> grid_regions((2, 4), 2).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    height, width = size
    rows = min(max(round((number * height / width) ** .5), 1), height)
    columns = min(max(round(number / rows), 1), width)
    row, column = np.arange(height) * rows // height, np.arange(width) * columns // width
    return (row[:, None] * columns + column).astype(np.int32)


def true_regions(instances: np.ndarray, ignored: tuple[int, ...] = ()) -> np.ndarray:
    """The connected pieces of equal label.

    Args:
        instances: (H, W) integers: instances of things, classes of stuff.
        ignored: labels that belong to no region.

    Returns:
        (H, W) int32 ids 0..R−1 in raster order of their first pixel, −1 where there is no region.

    Example:
        >>> true_regions(np.array([[7, 0, 7], [7, 0, 7]]), ignored=(0,)).tolist()
        [[0, -1, 1], [0, -1, 1]]
    """
    left_out = np.isin(instances, ignored)
    pieces = connected_components(instances)[0]
    _, regions = np.unique(np.where(left_out, -1, pieces), return_inverse=True)
    return (regions.reshape(instances.shape) - int(left_out.any())).astype(np.int32)
