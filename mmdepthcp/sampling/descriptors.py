"""Descriptors of images by which their distances are taken: feature maps on a coarse grid, each channel in its own
units (Hoyer et al., CVPR 2021).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor
from torch.nn import functional


def pooled(maps: Tensor, grid: tuple[int, int] = (4, 8)) -> Tensor:
    """Means over the cells of a grid.

    Args:
        maps: (B, C, H, W).
        grid: its rows and columns.

    Returns:
        (B, C, rows, columns).
    """
    return functional.adaptive_avg_pool2d(maps, grid)


def channel_moments(parts: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and unbiased standard deviation of every channel, over all images and positions.

    Args:
        parts: of the descriptors, each (n, C, h, w); one is held in memory at a time.

    Returns:
        Two arrays (C,) float64.

    Example:
        >>> mean, std = channel_moments([np.array([[[[1., 3]]], [[[5., 7]]]]), np.array([[[[3., 5]]]])])
        >>> mean.tolist(), std.round(6).tolist()
        ([4.0], [2.097618])
    """
    count, mean, squares = 0, np.zeros(1), np.zeros(1)
    for part in parts:
        values = part.astype(np.float64)
        size = values.size // values.shape[1]
        own = values.mean((0, 2, 3))
        spread = ((values - own[:, None, None]) ** 2).sum((0, 2, 3))
        step = own - mean
        mean = mean + step * size / (count + size)
        squares = squares + spread + step ** 2 * count * size / (count + size)
        count += size
    return mean, np.sqrt(squares / max(count - 1, 1))


def standardised(part: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """(f − mean) / std of every channel, one row for each image; 0 in channels that are the same everywhere.

    Args:
        part: (n, C, h, w).
        mean, std: see :func:`channel_moments`.

    Returns:
        (n, C·h·w) float32.
    """
    scale = np.divide(1, std, out=np.zeros_like(std), where=std > 0)
    return ((part - mean[:, None, None]) * scale[:, None, None]).reshape(len(part), -1).astype(np.float32)
