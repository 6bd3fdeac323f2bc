"""Positions in mixed views that show the same region or the same source point (Zeng et al., BMVC 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from mmdepthcp.geometry import affine
from mmdepthcp.mixing.rasteriser import NO_COPY
from mmdepthcp.mixing.zbuffer import Copies


@dataclass(frozen=True)
class Matches:
    """N positions in views, in groups that belong together.

    Attributes:
        points: (N, 2) float32, (x, y) in pixels of the view, centres at +0.5.
        views: (N,) int64, 0..V−1.
        groups: (N,) int64, 0..G−1, each used.
    """

    points: np.ndarray
    views: np.ndarray
    groups: np.ndarray


def _uniform_points(rng: np.random.Generator, labels: np.ndarray, per_view: int) -> np.ndarray:
    """Uniform positions (V, N, 2) float32 in views of ``labels`` (V, H, W)."""
    num_views, height, width = labels.shape
    size = np.array([width, height], np.float32)
    # the product may round up to the size itself
    return np.minimum(rng.random((num_views, per_view, 2), np.float32) * size, np.nextafter(size, np.float32(0)))


@numba.njit(cache=True, nogil=True)
def _look_up(points, labels):
    """Labels (V, N) at the positions (V, N, 2)."""
    num_views, per_view, _ = points.shape
    found = np.empty((num_views, per_view), labels.dtype)
    for view in range(num_views):
        for i in range(per_view):
            found[view, i] = labels[view, int(points[view, i, 1]), int(points[view, i, 0])]
    return found


def sample_region_matches(rng: np.random.Generator, labels: np.ndarray, copies: Copies, per_view: int) -> Matches:
    """Uniform positions in every view, grouped by the region shown (all its copies alike); those showing none
    are dropped.

    Args:
        rng: Source of randomness.
        labels: (V, H, W) int32 copy shown by each pixel.
        copies: Table of copies.
        per_view: Positions per view.

    Example:
        >>> labels = np.array([[[0, 0]], [[1, 1]], [[2, 2]]], np.int32)  # two copies of one region, one of another
        >>> copies = Copies(2, np.array([0, 1, 2, -1]), *np.tile(np.eye(3), (2, 4, 1, 1)))
        >>> sample_region_matches(np.random.default_rng(0), labels, copies, 2).groups.tolist()
        [0, 0, 0, 0, 1, 1]
    """
    points = _uniform_points(rng, labels, per_view)
    label = _look_up(points, labels)
    shown = label != NO_COPY
    region = label[shown] // copies.per_region
    used = np.bincount(region, minlength=1) > 0
    return Matches(points[shown], np.nonzero(shown)[0], (np.cumsum(used) - 1)[region])


@numba.njit(cache=True, nogil=True)
def _trace(points, labels, per_region, copy_view, to_view, from_view, found_points, found_views, found_groups):
    """Map positions (V, N, 2) to their sources and from there into all copies of their region; keep the source points
    seen in two views or more.

    The maps (K·C, 4) are (ax, bx, ay, by). Returns the number of positions written.
    """
    num_views, height, width = labels.shape
    written = 0
    groups = 0
    for sampled in range(num_views):
        for i in range(points.shape[1]):
            x, y = points[sampled, i]
            origin = labels[sampled, int(y), int(x)]
            if origin == NO_COPY:
                continue
            source_x = from_view[origin, 0] * x + from_view[origin, 1]
            source_y = from_view[origin, 2] * y + from_view[origin, 3]
            first = origin // per_region * per_region
            start = written
            several = False
            for copy in range(first, first + per_region):
                view = copy_view[copy]
                if copy == origin:
                    x, y = points[sampled, i]
                elif view < 0:
                    continue
                else:
                    x = np.float32(to_view[copy, 0] * source_x + to_view[copy, 1])
                    y = np.float32(to_view[copy, 2] * source_y + to_view[copy, 3])
                    if not (0 <= x < width and 0 <= y < height) or labels[view, int(y), int(x)] != copy:
                        continue
                found_points[written, 0], found_points[written, 1] = x, y
                found_views[written] = view
                found_groups[written] = groups
                several |= view != found_views[start]
                written += 1
            if several:
                groups += 1
            else:
                written = start
    return written


def sample_pixel_matches(rng: np.random.Generator, labels: np.ndarray, copies: Copies, per_view: int) -> Matches:
    """Positions in different views that show the same point of a source image.

    Uniform positions of every view are mapped back to their source and from there into every view that holds
    a copy of their region. A mapped position counts if the pixel there shows exactly that copy, the position
    itself always. The positions of a source point are a group if they lie in at least two views; else they
    are dropped.

    Args:
        rng: Source of randomness.
        labels: (V, H, W) int32 copy shown by each pixel.
        copies: Table of copies.
        per_view: Positions per view to start from.

    Example:
        >>> labels = np.array([[[0, 0]], [[1, 1]], [[2, 2]]], np.int32)  # two copies of one region, one of another
        >>> copies = Copies(2, np.array([0, 1, 2, -1]), *np.tile(np.eye(3), (2, 4, 1, 1)))
        >>> found = sample_pixel_matches(np.random.default_rng(0), labels, copies, 1)
        >>> found.views.tolist(), found.groups.tolist()
        ([0, 1, 0, 1], [0, 0, 1, 1])
    """
    points = _uniform_points(rng, labels, per_view)
    room = len(labels) * per_view * copies.per_region
    found_points, found_views = np.empty((room, 2), np.float32), np.empty(room, np.int64)
    found_groups = np.empty(room, np.int64)
    count = _trace(
        points, labels, copies.per_region, copies.view, affine.axis_parameters(copies.to_view),
        affine.axis_parameters(copies.from_view), found_points, found_views, found_groups)
    return Matches(found_points[:count].copy(), found_views[:count].copy(), found_groups[:count].copy())
