"""Superpixels by SLIC (Achanta et al., TPAMI 2012), arranged for one pass over memory per iteration."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

FAR = np.float32(1e6)


def slic(
        image: np.ndarray,
        number: int,
        *,
        compactness: float = 10.0,
        sigma: float = 1.0,
        iterations: int = 5,
        extra: np.ndarray | None = None) -> np.ndarray:
    """Split an image into about ``number`` compact superpixels of similar colour.

    Local k-means in (L, a, b, x, y): the seeds lie on a grid with cells of about √(H·W / number) pixels, a pixel
    chooses among the seeds of the 3×3 cells around it, and the distance is Δlab² + (compactness / cell)²·Δxy².
    Afterwards every superpixel is made one 4-connected piece: pieces below half a cell join the neighbour nearest
    in colour.

    Args:
        image: (H, W, 3) uint8, BGR.
        number: wanted number of superpixels, at least 1; limited to one per pixel.
        compactness: weight of position against colour (CIELAB units); larger gives squarer superpixels.
        sigma: standard deviation in pixels of the Gaussian that smooths the image first, 0 for none.
        iterations: of assignment and update.
        extra: (H, W) float32, a further channel in units of CIELAB that superpixels should keep apart (depth, say).

    Returns:
        (H, W) int32 labels 0..R−1 in raster order of their first pixel.

    Raises:
        ValueError: the image or ``extra`` has another shape or type, or a number is out of range.

    Example:
        >>> image = np.zeros((2, 6, 3), np.uint8)
        >>> image[:, 2:] = 255
        >>> slic(image, 3, sigma=0).tolist()
        [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]]
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f'slic takes a uint8 image of shape (H, W, 3), got {image.dtype} {image.shape}')
    if number < 1 or iterations < 1 or compactness <= 0 or sigma < 0:
        raise ValueError(
            'slic needs number >= 1, iterations >= 1, compactness > 0 and sigma >= 0, '
            f'got {number}, {iterations}, {compactness}, {sigma}')
    height, width = image.shape[:2]
    if extra is not None and extra.shape != (height, width):
        raise ValueError(f'the extra channel has shape {extra.shape}, the image {(height, width)}')
    cell = max((height * width / number) ** 0.5, 1.0)
    grid = (min(max(round(height / cell), 1), height), min(max(round(width / cell), 1), width))

    smooth = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) if sigma else image
    features = list(cv2.split(bgr_to_lab(smooth)))
    if extra is not None:
        features.append(np.ascontiguousarray(extra, np.float32))
    row_edges, column_edges = (
        np.linspace(0, size, cells + 1).round().astype(np.int32)
        for size, cells in zip((height, width), grid, strict=True))
    stacked = np.stack(features, axis=1)
    labels = _local_kmeans(stacked, row_edges, column_edges, np.float32((compactness / cell) ** 2), iterations)
    return _connect(labels, stacked, max(int(0.5 * cell * cell), 1))


def bgr_to_lab(image: np.ndarray) -> np.ndarray:
    """CIELAB (D65; L in 0..100) as float32 of an (H, W, 3) uint8 or 0..255 float BGR image."""
    return cv2.cvtColor(image.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_BGR2LAB)


@njit(cache=True, fastmath=True)
def _choose_seeds(features, y, spread, position_weight, distance, nearest, choice):
    """Which of nine candidate seeds is nearest to each pixel of a row; every loop over x runs on contiguous arrays.

    features (C, W); spread (9, C + 2, W): what each pixel compares with: the seeds' features, their y, and the
    horizontal part of the squared distance. Fills ``nearest`` (W) with squared distances and ``choice`` (W) with
    candidates 0..8.
    """
    channels, width = features.shape
    y = np.float32(y)
    nearest[:] = np.inf
    for candidate in range(9):
        kind = np.int32(candidate)
        seed_y, across = spread[candidate, channels], spread[candidate, channels + 1]
        for x in range(width):
            offset = y - seed_y[x]
            distance[x] = across[x] + position_weight * offset * offset
        for channel in range(channels):
            feature, seed = features[channel], spread[candidate, channel]
            for x in range(width):
                offset = feature[x] - seed[x]
                distance[x] += offset * offset
        for x in range(width):
            new, old, kept = distance[x], nearest[x], choice[x]
            closer = new < old
            nearest[x] = new if closer else old
            choice[x] = kind if closer else kept


@njit(cache=True, fastmath=True)
def _local_kmeans(features, row_edges, column_edges, position_weight, iterations):
    """Labels (H, W) of the grid cell whose seed is nearest; features (H, C, W), weight in units of feature² per
    pixel²."""
    height, channels, width = features.shape
    rows, columns = len(row_edges) - 1, len(column_edges) - 1
    labels = np.empty((height, width), np.int32)
    column_of = np.empty(width, np.uint32)
    # Seeds: channels, then y, then x; a border of far-away seeds saves every bounds check.
    seeds = np.full((rows + 2, channels + 2, columns + 2), FAR, np.float32)
    for row in range(rows):
        y = (row_edges[row] + row_edges[row + 1] - 1) / 2
        for column in range(columns):
            x = (column_edges[column] + column_edges[column + 1] - 1) / 2
            seeds[row + 1, :channels, column + 1] = features[int(y), :, int(x)]
            seeds[row + 1, channels, column + 1] = y
            seeds[row + 1, channels + 1, column + 1] = x
    for column in range(columns):
        column_of[column_edges[column]:column_edges[column + 1]] = column

    spread = np.empty((9, channels + 2, width), np.float32)
    distance, nearest = np.empty(width, np.float32), np.empty(width, np.float32)
    choice = np.zeros(width, np.int32)
    steps = np.array([(k // 3 - 1) * columns + k % 3 - 1 for k in range(9)]).astype(np.int32)
    for iteration in range(iterations):
        # Every other row is enough to move the seeds; the last time every pixel needs its label.
        stride = 2 if iteration < iterations - 1 else 1
        sums = np.zeros((rows * columns, channels + 3))
        for row in range(rows):
            for candidate in range(9):
                for channel in range(channels + 2):
                    line = spread[candidate, channel]
                    values = seeds[row + candidate // 3, channel, candidate % 3:]
                    for x in range(width):
                        line[x] = values[column_of[x]]
                for x in range(width):
                    offset = np.float32(x) - line[x]
                    line[x] = position_weight * offset * offset
            for y in range(row_edges[row] + iteration % stride, row_edges[row + 1], stride):
                _choose_seeds(features[y], y, spread, position_weight, distance, nearest, choice)
                line_labels = labels[y]
                for x in range(width):
                    line_labels[x] = row * columns + column_of[x] + steps[choice[x]]
                for x in range(width):
                    total = sums[line_labels[x]]
                    for channel in range(channels):
                        total[channel] += features[y, channel, x]
                    total[channels] += y
                    total[channels + 1] += x
                    total[channels + 2] += 1
        for row in range(rows):
            for column in range(columns):
                total = sums[row * columns + column]
                if total[channels + 2] > 0:
                    seeds[row + 1, :, column + 1] = total[:channels + 2] / total[channels + 2]
    return labels


@njit(cache=True)
def find_root(parents, node):
    """Root of ``node`` in a union-find forest, halving the path on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@njit(cache=True)
def _unite(parents, one, other):
    one, other = find_root(parents, one), find_root(parents, other)
    if one < other:
        parents[other] = one
    else:
        parents[one] = other


@njit(cache=True)
def _compact(parents):
    """Map every node to the rank 0..R−1 of its root; roots are the smallest nodes of their trees."""
    rank = np.empty(len(parents), np.int32)
    count = 0
    for node in range(len(parents)):
        root = find_root(parents, node)
        if root == node:
            rank[node] = count
            count += 1
        else:
            rank[node] = rank[root]
    return rank, count


@njit(cache=True)
def connected_components(labels):
    """4-connected pieces of equal label.

    Args:
        labels: (H, W) integers.

    Returns:
        (H, W) int32 piece ids 0..n−1 in raster order of their first pixel, and n.

    Example:
        >>> pieces, count = connected_components(np.array([[1, 0, 1], [1, 0, 1]]))
        >>> pieces.tolist(), count
        ([[0, 1, 2], [0, 1, 2]], 3)
    """
    height, width = labels.shape
    pieces = np.empty((height, width), np.int32)
    parents = np.empty(height * width, np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            left = x > 0 and labels[y, x - 1] == labels[y, x]
            above = y > 0 and labels[y - 1, x] == labels[y, x]
            if above:
                pieces[y, x] = pieces[y - 1, x]
                if left and pieces[y, x - 1] != pieces[y, x]:
                    _unite(parents, pieces[y, x - 1], pieces[y, x])
            elif left:
                pieces[y, x] = pieces[y, x - 1]
            else:
                pieces[y, x] = count
                parents[count] = count
                count += 1
    rank, total = _compact(parents[:count])
    for y in range(height):
        for x in range(width):
            pieces[y, x] = rank[pieces[y, x]]
    return pieces, total


@njit(cache=True)
def _connect(labels, features, min_area):
    """Split ``labels`` into 4-connected pieces; those below ``min_area`` join their neighbour nearest in
    ``features`` (H, C, W)."""
    height, channels, width = features.shape
    pieces, count = connected_components(labels)
    means = np.zeros((count, channels))
    areas = np.zeros(count, np.int64)
    for y in range(height):
        for x in range(width):
            piece = pieces[y, x]
            areas[piece] += 1
            for channel in range(channels):
                means[piece, channel] += features[y, channel, x]
    for piece in range(count):
        means[piece] /= areas[piece]
    while count > 1 and areas.min() < min_area:
        nearest = np.full(count, np.inf)
        target = np.full(count, -1, np.int32)
        for down in range(2):
            for y in range(height - down):
                for x in range(width + down - 1):
                    here, there = pieces[y, x], pieces[y + down, x + 1 - down]
                    if here == there or (areas[here] >= min_area and areas[there] >= min_area):
                        continue
                    gap = 0.0
                    for channel in range(channels):
                        gap += (means[here, channel] - means[there, channel]) ** 2
                    if areas[here] < min_area and gap < nearest[here]:
                        nearest[here], target[here] = gap, there
                    if areas[there] < min_area and gap < nearest[there]:
                        nearest[there], target[there] = gap, here
        parents = np.arange(count).astype(np.int32)
        for piece in range(count):
            if target[piece] >= 0:
                _unite(parents, piece, target[piece])
        rank, remaining = _compact(parents)
        joined_means = np.zeros((remaining, channels))
        joined_areas = np.zeros(remaining, np.int64)
        for piece in range(count):
            joined_means[rank[piece]] += areas[piece] * means[piece]
            joined_areas[rank[piece]] += areas[piece]
        for piece in range(remaining):
            joined_means[piece] /= joined_areas[piece]
        means, areas, count = joined_means, joined_areas, remaining
        for y in range(height):
            for x in range(width):
                pieces[y, x] = rank[pieces[y, x]]
    return pieces
