"""The graph over superpixels; its edges say how much depth, colour, or an object on its ground part two of them.

The formulas of Zeng et al., BMVC 2022, and a variant without scales, vectorised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .superpixels import bgr_to_lab


class EdgeWeights(NamedTuple):
    """Factors of the terms of an edge weight, see `edge_weights`."""

    colour: float
    depth: float
    support: float
    bias: float


DEFAULT_WEIGHTS = EdgeWeights(0.2, 30.0, 4.0, -5.0)
"""For ``formula='scale_free'`` and ``'learnt'``."""
PAPER_WEIGHTS = EdgeWeights(0.006, 36.0, 2.5, -4.0)
PAPER_PLAIN_WEIGHTS = EdgeWeights(0.0, 48.0, 0.0, -4.0)
"""The two sets of Zeng et al., for ``formula='paper'``."""
FORMULAS = ('scale_free', 'paper', 'learnt')


class SuperpixelAttributes(NamedTuple):
    """Means over each of R superpixels."""

    area: np.ndarray
    """(R,) pixels."""
    centre: np.ndarray
    """(R, 3) point (X, Y, Z), Y up."""
    lab: np.ndarray
    """(R, 3) CIELAB of the mean colour."""
    normal: np.ndarray
    """(R, 3) unit normal of the surface, towards the camera; 0 where the surface has none."""


def standardise(points: np.ndarray) -> np.ndarray:
    """Divide each channel of (3, H, W) points by its standard deviation; a constant channel stays as it is."""
    deviation = points.reshape(3, -1).std(axis=1, dtype=np.float64)
    constant = deviation <= 1e-6 * np.abs(points.reshape(3, -1)).max(axis=1)
    return points / np.where(constant, 1, deviation).astype(np.float32)[:, None, None]


def unique_pairs(pairs: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct unordered pairs of different ids.

    Args:
        pairs: (N, 2) integers in 0..number−1; pairs of equal ids are left out.
        number: of ids.

    Returns:
        (E, 2) int32 pairs (i, j) with i < j in lexicographic order, and (N,) the row of each input pair, −1 for
        equal ids.
    """
    pairs = pairs.astype(np.int64)
    codes = pairs.min(axis=1) * number + pairs.max(axis=1)
    differ = pairs[:, 0] != pairs[:, 1]
    distinct, place = np.unique(codes[differ], return_inverse=True)
    rows = np.full(len(pairs), -1, np.int64)
    rows[differ] = place
    return np.stack([distinct // number, distinct % number], axis=1).astype(np.int32), rows


def adjacent_pairs(labels: np.ndarray) -> np.ndarray:
    """Pairs of labels that touch along a pixel side.

    Args:
        labels: (H, W) integers from 0.

    Returns:
        (E, 2) int32 pairs (i, j) with i < j in lexicographic order.

    Example:
        >>> adjacent_pairs(np.array([[0, 0, 1], [2, 0, 1]])).tolist()
        [[0, 1], [0, 2]]
    """
    number = int(labels.max()) + 1
    codes = np.unique(_border_codes(np.ascontiguousarray(labels), number))
    return np.stack([codes // number, codes % number], axis=1).astype(np.int32)


@njit(cache=True)
def _border_codes(labels, number):
    """Codes low·number + high of touching pixels of different label, without most of the repeats along a border."""
    height, width = labels.shape
    codes = np.empty(2 * height * width, np.int64)
    count = 0
    for y in range(height):
        for x in range(width):
            here = labels[y, x]
            if x + 1 < width and labels[y, x + 1] != here:
                there = labels[y, x + 1]
                if y == 0 or labels[y - 1, x] != here or labels[y - 1, x + 1] != there:
                    codes[count] = min(here, there) * np.int64(number) + max(here, there)
                    count += 1
            if y + 1 < height and labels[y + 1, x] != here:
                there = labels[y + 1, x]
                if x == 0 or labels[y, x - 1] != here or labels[y + 1, x - 1] != there:
                    codes[count] = min(here, there) * np.int64(number) + max(here, there)
                    count += 1
    return codes[:count]


def superpixel_attributes(labels: np.ndarray, image: np.ndarray, points: np.ndarray) -> SuperpixelAttributes:
    """Mean point, colour and surface normal of every superpixel.

    The normal is the normalised cross product of the mean image gradients of the points along columns (to the
    right) and rows (downwards), each gradient divided by the depth Z of its pixel; it points up on the ground.

    Args:
        labels: (H, W) int32, 0..R−1, each used.
        image: (H, W, 3) uint8 BGR.
        points: (3, H, W) float32 from `back_project`, standardised or not.
    """
    sums = _sums(labels, image, points, int(labels.max()) + 1)
    area = sums[:, 0]
    means = sums[:, 1:] / area[:, None]
    normal = np.cross(means[:, 6:9], means[:, 9:12])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)
    lab = bgr_to_lab(means[None, :, 3:6])[0].astype(np.float64)
    return SuperpixelAttributes(area, means[:, :3], lab, normal)


@njit(cache=True)
def _sums(labels, image, points, number):
    """(R, 13) sums over superpixels: 1, point (3), BGR (3), gradient / Z along columns (3) and along rows (3)."""
    height, width = labels.shape
    sums = np.zeros((number, 13))
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            total = sums[labels[y, x]]
            across = 1 / (points[2, y, x] * max(right - left, 1))
            down = 1 / (points[2, y, x] * max(below - above, 1))
            total[0] += 1
            for axis in range(3):
                total[1 + axis] += points[axis, y, x]
                total[4 + axis] += image[y, x, axis]
                total[7 + axis] += (points[axis, y, right] - points[axis, y, left]) * across
                total[10 + axis] += (points[axis, below, x] - points[axis, above, x]) * down
    return sums


def edge_terms(
        attributes: SuperpixelAttributes,
        pairs: np.ndarray,
        weights: EdgeWeights = DEFAULT_WEIGHTS,
        formula: str = 'scale_free') -> np.ndarray:
    """What parts the two ends of every edge: w_col·D_col + w_3d·D_3d + w_sup·D_sup + bias.

    - D_3d is the difference of the depths of the two centres over their sum,
    - D_col the distance of their colours in CIELAB,
    - D_sup, for a pair below the camera, how far the lower one faces up × how much more it does so than the
      higher one (ground below, an object that stands on it above).

    ``formula='paper'``, for attributes of standardised points, takes for D_3d the whole distance of the centres, and
    multiplies D_col by the mean height ȳ of the pair, so that colour counts above the camera only, and D_sup by ȳ².
    These depend on the size of the superpixels and, through the standard deviations, on what else is in the picture
    (a far sky makes ȳ vanish); ``'scale_free'``, for points as they are, does not. ``'learnt'`` is the same: what
    features say comes on top (:class:`mmdepthcp.grouping.EdgeModel`).

    Args:
        attributes: of R superpixels.
        pairs: (E, 2) integers.
        weights: of the terms.
        formula: one of `FORMULAS`.

    Returns:
        (E,) float64.

    Example:
        >>> centre = np.array([[0, -1.0, 2], [0, -1, 6]])  # below the camera, 2 and 6 ahead
        >>> lab, normal = np.array([[50.0, 0, 0], [60, 0, 0]]), np.array([[0.0, 1, 0], [0, 0, -1]])
        >>> attributes = SuperpixelAttributes(np.ones(2), centre, lab, normal)
        >>> edge_terms(attributes, np.array([[0, 1]])).tolist()  # 30 · 4/8 + .2 · 10 − 5; no ground below the other
        [12.0]
    """
    i, j = pairs[:, 0], pairs[:, 1]
    centre, up = attributes.centre, attributes.normal[:, 1]
    height = (centre[i, 1] + centre[j, 1]) / 2
    first_is_low = centre[i, 1] < centre[j, 1]
    low, high = np.where(first_is_low, up[i], up[j]), np.where(first_is_low, up[j], up[i])
    support = np.maximum(low, 0) * np.maximum(low - high, 0) * (height < 0)
    apart = np.abs(centre[i, 2] - centre[j, 2])
    if formula == 'paper':
        apart = np.linalg.norm(centre[i] - centre[j], axis=1)
        support = support * height ** 2
    terms = weights.depth * apart / (centre[i, 2] + centre[j, 2]) + weights.support * support + weights.bias
    if weights.colour:
        colour = np.linalg.norm(attributes.lab[i] - attributes.lab[j], axis=1)
        terms += weights.colour * (colour * np.maximum(height, 0) if formula == 'paper' else colour)
    return terms


def edge_weights(
        attributes: SuperpixelAttributes,
        pairs: np.ndarray,
        weights: EdgeWeights = DEFAULT_WEIGHTS,
        formula: str = 'scale_free') -> np.ndarray:
    """Weight in 0..1 of every edge, small where two superpixels belong together: sigmoid of `edge_terms`."""
    return sigmoid(edge_terms(attributes, pairs, weights, formula))


def sigmoid(terms: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−terms))."""
    return 1 / (1 + np.exp(-np.minimum(terms, 700)))
