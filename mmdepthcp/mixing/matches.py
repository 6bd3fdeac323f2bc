"""Positions in mixed views that show the same region or the same source point (Leung et al., BMVC 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from mmdepthcp.geometry import affine
from mmdepthcp.mixing.zbuffer import NO_COPY, Copies


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


def _uniform_points(rng: np.random.Generator, labels: np.ndarray, per_view: int) -> tuple[np.ndarray, np.ndarray]:
    """Uniform positions (V·N, 2) float32 in views of ``labels`` (V, H, W), and their views (V·N,)."""
    num_views, height, width = labels.shape
    points = rng.random((num_views * per_view, 2), np.float32) * np.array([width, height], np.float32)
    # the product may round up to the size itself
    points = np.minimum(points, np.nextafter(np.array([width, height], np.float32), np.float32(0)))
    return points, np.repeat(np.arange(num_views), per_view)


def _labels_at(labels: np.ndarray, points: np.ndarray, views: np.ndarray) -> np.ndarray:
    column, row = points.astype(np.int64).T
    return labels[views, row, column]


def sample_region_matches(rng: np.random.Generator, labels: np.ndarray, copies: Copies, per_view: int) -> Matches:
    """Uniform positions in every view, grouped by the region shown (all its copies alike); those showing none
    are dropped.

    Args:
        rng: Source of randomness.
        labels: (V, H, W) int32 copy shown by each pixel.
        copies: Table of copies.
        per_view: Positions per view.
    """
    points, views = _uniform_points(rng, labels, per_view)
    label = _labels_at(labels, points, views)
    shown = label != NO_COPY
    region = label[shown] // copies.per_region
    used = np.bincount(region, minlength=1) > 0
    return Matches(points[shown], views[shown], (np.cumsum(used) - 1)[region])


@numba.njit(cache=True, nogil=True)
def _trace(points, sources, origin, per_region, copy_view, copy_map, labels, found_points, found_views, found_groups):
    """Map source points into all copies of their region; keep those seen in two views or more.

    ``copy_map`` (K·C, 4) = (ax, bx, ay, by). Returns the number of positions written.
    """
    _, height, width = labels.shape
    written = 0
    groups = 0
    for i in range(len(points)):
        first = (origin[i] // per_region) * per_region
        start = written
        several = False
        for copy in range(first, first + per_region):
            view = copy_view[copy]
            if copy == origin[i]:
                x, y = points[i, 0], points[i, 1]
            elif view < 0:
                continue
            else:
                x = np.float32(copy_map[copy, 0] * sources[i, 0] + copy_map[copy, 1])
                y = np.float32(copy_map[copy, 2] * sources[i, 1] + copy_map[copy, 3])
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
    """
    points, views = _uniform_points(rng, labels, per_view)
    origin = _labels_at(labels, points, views)
    shown = origin != NO_COPY
    points, origin = points[shown], origin[shown]
    sources = affine.apply(copies.from_view[origin], points)
    room = len(points) * copies.per_region
    found_points, found_views = np.empty((room, 2), np.float32), np.empty(room, np.int64)
    found_groups = np.empty(room, np.int64)
    copy_map = np.ascontiguousarray(copies.to_view[:, [0, 0, 1, 1], [0, 2, 1, 2]])
    count = _trace(
        points, sources, origin, copies.per_region, copies.view, copy_map, labels, found_points, found_views,
        found_groups)
    return Matches(found_points[:count].copy(), found_views[:count].copy(), found_groups[:count].copy())
