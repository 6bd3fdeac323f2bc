"""Depth of the cells of maps, and what of it the codes of DepthG are to follow."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from mmdepthcp.geometry.points import cell_depth, cell_points, picture_depth
from mmdepthcp.models.losses.correlation import depth_correlation, legacy_depth_correlation
from mmdepthcp.models.selfsup.depthg_settings import LEGACY, DepthSettings, PointSettings
from mmdepthcp.sampling import read_points

FLAT = 1e-3
"""Range of log depth in an image up to which it holds no depth, but rounding."""


class CellDepth(NamedTuple):
    """Depth of the cells of pairs of maps, both (B, 2, h, w).

    Attributes:
        followed: what codes follow, in the unit of 1 / disparity.
        placed: what places cells in space: the same, or, as published, mean of :func:`picture_depth`.
    """

    followed: Tensor
    placed: Tensor


def depth_of_cells(
        disparity: Tensor, size: tuple[int, int], points: PointSettings, depth: DepthSettings,
        depth_range: Tensor | None = None) -> CellDepth:
    """Depth of the cells that pairs of images are divided into.

    Args:
        disparity: (B, 2, H, W).
        size: (h, w), how many cells.
        points, depth: settings.
        depth_range: (B, 2, 2), see :func:`picture_depth`.
    """
    followed = cell_depth(disparity.flatten(0, 1), size, points.max_depth).unflatten(0, (-1, 2))
    if not points.legacy:
        return CellDepth(followed, followed)
    pictures = picture_depth(disparity, points.max_depth, depth.integers, depth_range)
    return CellDepth(followed, F.adaptive_avg_pool2d(pictures, size))


def depth_target(
        cells: Tensor, disparity: Tensor, at: Tensor, depth: DepthSettings, points: PointSettings,
        depth_range: Tensor | None = None) -> Tensor:
    """Correlations of depth (B, P, P) that codes at points follow.

    Args:
        cells: depth of cells, (B, h, w).
        disparity: (B, H, W), for 'legacy'.
        at: the points, (B, P, 2).
        depth, points: settings.
        depth_range: (B, 2), for 'legacy', see :func:`picture_depth`.
    """
    if depth.mode == LEGACY:
        shown = picture_depth(disparity, points.max_depth, True, depth_range) if depth.integers else disparity
        return legacy_depth_correlation(shown[:, None], round(at.shape[1] ** 0.5))
    if depth.mode == 'euclid3d':
        values = read_points(cell_points(cells, points.field_of_view).mT.unflatten(2, cells.shape[1:]), at)
    else:
        log = -cells.log()
        least, most = log.amin((1, 2), keepdim=True), log.amax((1, 2), keepdim=True)
        values = read_points(((log - least) / (most - least).clamp_min(FLAT))[:, None], at)[..., 0]
    return depth_correlation(values, depth.mode, depth.sigma)
