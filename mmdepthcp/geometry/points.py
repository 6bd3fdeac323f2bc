"""From pixels with disparity to points in space."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

LEGACY_FIELD = 2 * math.tan(45)
"""Width of the field of view at distance 1 in the published code of Sick et al.: 90, meant in degrees, halved and taken
for radians.
"""
FARTHEST_DISPARITY = 0.005


def back_project(disparity: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Points seen by the pixels: depth = 1 / max(disparity, 0.005), X right, Y up, Z ahead, camera at the origin.

    Args:
        disparity: (H, W), larger is closer.
        intrinsics: normalised 3×3 (fx/W, fy/H, cx/W, cy/H).

    Returns:
        (3, H, W) float32.

    Example:
        >>> intrinsics = np.array([[0.5, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        >>> back_project(np.full((1, 2), 0.25, np.float32), intrinsics)[:, 0].T.tolist()
        [[-2.0, 0.0, 4.0], [2.0, 0.0, 4.0]]
    """
    height, width = disparity.shape
    depth = 1 / np.maximum(disparity, np.float32(FARTHEST_DISPARITY), dtype=np.float32)
    right = ((np.arange(width) + 0.5) / width - intrinsics[0, 2]) / intrinsics[0, 0]
    up = (intrinsics[1, 2] - (np.arange(height) + 0.5) / height) / intrinsics[1, 1]
    return np.stack([depth * right.astype(np.float32), depth * up.astype(np.float32)[:, None], depth])


def cell_depth(disparity: Tensor, size: tuple[int, int], max_depth: float) -> Tensor:
    """Mean depth of the cells that an image is divided into.

    Args:
        disparity: (B, H, W), larger is closer.
        size: (h, w), how many cells.
        max_depth: what is farther away counts as this far: the sky would outweigh all else.

    Returns:
        (B, h, w), above 0.

    Example:
        >>> cell_depth(torch.tensor([[[0.5, 0.25], [0.0, 0.0]]]), (1, 1), 10)[0].tolist()
        [[6.5]]
    """
    return F.adaptive_avg_pool2d(1 / disparity.clamp_min(1 / max_depth), size)


def picture_depth(
        disparity: Tensor, max_depth: float, integers: bool = False, depth_range: Tensor | None = None) -> Tensor:
    """Depth as pictures show it, 0 the nearest and 1 the farthest of each image: what the published code of Sick et al.
    (CVPR 2024) reads, but for their 256 steps.

    Args:
        disparity: (..., H, W), above 0, larger is closer.
        max_depth: what is farther away counts as this far; infinity: nothing is.
        integers: cut to integers, as that code does on Potsdam: 1 where depth is largest, 0 elsewhere.
        depth_range: least and largest depth, (..., 2), of the photographs that the images were cut from; by default
            those of the images.

    Example:
        >>> disparity = torch.tensor([[1.0, 0.5], [0.4, 0.25]])
        >>> picture_depth(disparity, math.inf).round(decimals=4).tolist()
        [[0.0, 0.33329999446868896], [0.5, 1.0]]
        >>> picture_depth(disparity, math.inf, integers=True).tolist()
        [[0.0, 0.0], [0.0, 1.0]]
    """
    depth = 1 / disparity.clamp_min(1 / max_depth)
    if depth_range is None:
        depth_range = torch.stack([depth.amin((-2, -1)), depth.amax((-2, -1))], -1)
    least, most = depth_range.clamp_max(max_depth)[..., None, None].unbind(-3)
    scaled = ((depth - least) / (most - least).clamp_min(torch.finfo(depth.dtype).tiny)).clamp(0, 1)
    return scaled.floor() if integers else scaled


def cell_points(depth: Tensor, field_of_view: float | Sequence[float] = 90., legacy: bool = False) -> Tensor:
    """Points in space of the cells of depth maps, for a camera of which only the field of view is known.

    Args:
        depth: (B, h, w), in any unit.
        field_of_view: horizontal and vertical, in degrees, or one for both.
        legacy: as the published code of Sick et al. (CVPR 2024): cell corners in place of centres, a field of view of
            45 radians to each side, depth times five.

    Returns:
        (B, h·w, 3), cells in row-major order.

    Example:
        >>> cell_points(torch.tensor([[[1.0, 2.0], [2.0, 4.0]]]))[0].tolist()
        [[-0.5, -0.5, -1.0], [1.0, -1.0, -2.0], [-1.0, 1.0, -2.0], [2.0, 2.0, -4.0]]
    """
    _, height, width = depth.shape
    if legacy:
        offset, wide, high, stretch = 0., LEGACY_FIELD, LEGACY_FIELD, 5.
    else:
        angles = field_of_view if isinstance(field_of_view, Sequence) else (field_of_view, field_of_view)
        wide, high = (2 * math.tan(math.radians(angle) / 2) for angle in angles)
        offset, stretch = .5, 1.
    rows = (torch.arange(height, device=depth.device) + offset) / height - .5
    columns = (torch.arange(width, device=depth.device) + offset) / width - .5
    across, down = wide * depth * columns, high * depth * rows[:, None]
    return torch.stack([across, down, -stretch * depth], -1).flatten(1, 2)
