"""Regions that do not come from depth, to find out what depth regions are worth."""

from __future__ import annotations

import numpy as np


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
