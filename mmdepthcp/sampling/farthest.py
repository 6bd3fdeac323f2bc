"""Farthest-point sampling: of the cells of a depth map, of the images of a set.

Each next point is the one farthest from all that were chosen (Gonzalez, "Clustering to minimize the maximum
intercluster distance", 1985); for depth maps see Sick et al., CVPR 2024, for images Hoyer et al., CVPR 2021.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numba import njit
from torch import Tensor

from mmdepthcp.utils.errors import InputError


@njit(cache=True, nogil=True)
def _farthest(points, count, chosen):
    """Fill ``chosen`` (B, count) for ``points`` (B, N, D), the first one given; ties go to the lowest index."""
    batch, number, dims = points.shape
    nearest = np.empty(number, np.float32)
    for item in range(batch):
        nearest[:] = np.inf
        last = chosen[item, 0]
        nearest[last] = -1
        for place in range(1, count):
            best, far = -1, np.float32(-1)
            for other in range(number):
                if nearest[other] < 0:
                    continue
                distance = np.float32(0)
                for axis in range(dims):
                    difference = points[item, other, axis] - points[item, last, axis]
                    distance += difference * difference
                if distance < nearest[other]:
                    nearest[other] = distance
                if nearest[other] > far:
                    best, far = other, nearest[other]
            last = best
            nearest[last] = -1
            chosen[item, place] = last


def farthest_points(points: Tensor, count: int, first: int = 0) -> Tensor:
    """Indices of points that lie far from each other, in the order of their choice.

    Args:
        points: (B, N, D) or (N, D), finite. On an accelerator one step takes all of the batch; on the CPU the kernel is
            compiled.
        count: how many, at most N.
        first: the one to begin with.

    Returns:
        (B, count) or (count,) int64, all different; of points that are equally far the one with the lowest index.

    Raises:
        InputError: there are fewer points than are asked for.

    Example:
        >>> corners = torch.tensor([[0.0, 0], [1, 0], [0, 1], [4, 4]])
        >>> farthest_points(corners, 3).tolist()
        [0, 3, 1]
    """
    batched = points if points.ndim == 3 else points[None]
    if not 1 <= count <= batched.shape[1]:
        raise InputError(f'{count} of {batched.shape[1]} points cannot be chosen')
    chosen = torch.full((len(batched), count), first, dtype=torch.int64)
    if batched.device.type == 'cpu':
        _farthest(np.ascontiguousarray(batched.detach().float().numpy()), count, chosen.numpy())
    else:
        chosen = _farthest_on_device(batched.detach().float(), chosen.to(batched.device))
    return chosen if points.ndim == 3 else chosen[0]


def _farthest_on_device(points: Tensor, chosen: Tensor) -> Tensor:
    nearest = torch.full(points.shape[:2], torch.inf, device=points.device)
    for place in range(1, chosen.shape[1]):
        last = chosen[:, place - 1:place]
        distance = torch.zeros_like(nearest)
        for axis in range(points.shape[2]):  # in the order of the compiled kernel, so that sums round alike
            values = points[:, :, axis]
            distance += (values - values.gather(1, last)) ** 2
        nearest = nearest.minimum(distance).scatter(1, last, -1)
        chosen[:, place] = nearest.argmax(1)
    return chosen


def to_grid(cells: Tensor, height: int, width: int, legacy: bool = False) -> Tensor:
    """Where ``grid_sample(align_corners=True)`` reads cells of a map of this size.

    Args:
        cells: (...) int64 row-major indices.
        height, width: of the map.
        legacy: what the published code of Sick et al. does in its place: rows and columns exchanged, and shrunk by
            (size − 1) / size.

    Returns:
        (..., 2) float32 (x, y) in −1..1.

    Example:
        >>> [round(value, 4) for value in to_grid(torch.tensor(3 * 28 + 20), 28, 28).tolist()]  # row 3, column 20
        [0.4815, -0.7778]
    """
    row, column = cells // width, cells % width
    if legacy:
        return torch.stack([2 * row / height - 1, 2 * column / width - 1], -1)
    return torch.stack([2 * column / max(width - 1, 1) - 1, 2 * row / max(height - 1, 1) - 1], -1)


def read_points(maps: Tensor, points: Tensor) -> Tensor:
    """Values of maps at points, bilinear.

    Args:
        maps: (B, C, h, w).
        points: (B, P, 2), (x, y) in −1..1 from the centre of the first to that of the last cell.

    Returns:
        (B, P, C).
    """
    return F.grid_sample(maps, points[:, None], align_corners=True, padding_mode='border')[:, :, 0].mT
