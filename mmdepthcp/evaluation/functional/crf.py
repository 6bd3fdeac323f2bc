"""Segmentations made to follow the edges of their image.

A fully connected conditional random field: Krähenbühl and Koltun, "Efficient Inference in Fully Connected CRFs with
Gaussian Edge Potentials", NeurIPS 2011. Its filter over position and colour runs on a permutohedral lattice: Adams,
Baek and Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice", Eurographics 2010.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from mmdepthcp.utils.errors import InputError

LEAST = 1e-5
"""Probability below which none is taken to be."""
REACH = 4
"""Deviations of a Gaussian that count."""


@dataclass(frozen=True)
class CRFSettings:
    """What neighbours say to each other; the defaults are those of STEGO and DepthG.

    Attributes:
        iterations: of the mean field.
        near_weight, near_deviation: pixels next to each other are alike; deviation in pixels.
        far_weight, far_deviation, colour_deviation: pixels of like colour at some distance are alike; deviations in
            pixels and in grey levels.
    """

    iterations: int = 10
    near_weight: float = 3.
    near_deviation: float = 1.
    far_weight: float = 4.
    far_deviation: float = 67.
    colour_deviation: float = 3.

    def __post_init__(self) -> None:
        if self.iterations < 0 or min(self.near_deviation, self.far_deviation, self.colour_deviation) <= 0:
            raise InputError(f'{self}: there are at least 0 iterations, and deviations are positive')


class Lattice:
    """Gaussian filtering of values at points in d dimensions, without normalisation: about
    ``sum_j exp(−|p_i − p_j|² / 2) v_j``, times a constant.

    Values are spread over the corners of the simplex of the permutohedral lattice around each point, blurred along the
    d + 1 axes of the lattice, and gathered again.

    Args:
        points: (N, d) float, in deviations.

    Raises:
        InputError: the points lie too far apart for their number of dimensions.
    """

    def __init__(self, points: np.ndarray) -> None:
        number, dimensions = points.shape
        corners, shares = _simplices(points)
        low = corners.min((0, 1)) - dimensions - 1
        spans = corners.max((0, 1)) + dimensions + 2 - low
        radix = np.concatenate([[1], np.cumprod(spans[:-1].astype(object))])
        if int(radix[-1]) * int(spans[-1]) >= 2**62:
            raise InputError(f'{number} points in {dimensions} dimensions lie too far apart for a lattice')
        radix = radix.astype(np.int64)
        keys, index = np.unique(((corners - low) @ radix).ravel(), return_inverse=True)
        self.corners, self.shares = index.reshape(shares.shape).astype(np.int32), shares.astype(np.float32)
        self.sides = np.empty((dimensions + 1, 2, len(keys)), np.int32)
        for axis in range(dimensions + 1):
            step = np.full(dimensions, -1, np.int64)
            if axis < dimensions:
                step[axis] = dimensions
            self.sides[axis] = _find(keys, keys + step @ radix), _find(keys, keys - step @ radix)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Filtered values (N, C) of values (N, C) float32."""
        return _filter(np.ascontiguousarray(values, np.float32), self.corners, self.shares, self.sides)


@njit(cache=True, nogil=True)
def _filter(values, corners, shares, sides):
    """Spread values over the corners, blur along the axes of the lattice, gather. A side at the end of the array of
    corners stands for none.
    """
    number, channels = values.shape
    lattice = sides.shape[2]
    one, other = np.zeros((lattice + 1, channels), np.float32), np.zeros((lattice + 1, channels), np.float32)
    for point in range(number):
        for corner in range(corners.shape[1]):
            share, place = shares[point, corner], corners[point, corner]
            for channel in range(channels):
                one[place, channel] += share * values[point, channel]
    half = np.float32(.5)
    for axis in range(len(sides)):
        for place in range(lattice):
            ahead, behind = sides[axis, 0, place], sides[axis, 1, place]
            for channel in range(channels):
                other[place, channel] = one[place, channel] + half * (one[ahead, channel] + one[behind, channel])
        one, other = other, one
    found = np.zeros_like(values)
    for point in range(number):
        for corner in range(corners.shape[1]):
            share, place = shares[point, corner], corners[point, corner]
            for channel in range(channels):
                found[point, channel] += share * one[place, channel]
    return found


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Index of each wanted key among the sorted keys, their number where there is none."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, len(keys))


def _simplices(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the lattice around each point, (N, d + 1, d) int64, and each one's share (N, d + 1)."""
    number, d = points.shape
    scale = (d + 1) * np.sqrt(2 / 3) / np.sqrt(np.arange(1, d + 1) * np.arange(2, d + 2))
    scaled = points * scale
    # onto the plane on which the d + 1 coordinates add up to 0
    above = np.concatenate([np.cumsum(scaled[:, ::-1], 1)[:, ::-1], np.zeros((number, 1))], 1)
    lifted = np.concatenate([above[:, :1], above[:, 1:] - np.arange(1, d + 1) * scaled], 1)
    nearest = (d + 1) * np.rint(lifted / (d + 1)).astype(np.int64)
    rank = np.argsort(np.argsort(-(lifted - nearest), 1, kind='stable'), 1, kind='stable')
    excess = (nearest.sum(1) // (d + 1))[:, None]
    rank += excess
    for wrong, step in ((rank > d, -1), (rank < 0, 1)):
        nearest[wrong] += step * (d + 1)
        rank[wrong] += step * (d + 1)
    offset = (lifted - nearest) / (d + 1)
    ordered = np.take_along_axis(offset, np.argsort(rank, 1), 1)  # the largest first
    shares = np.concatenate([1 + ordered[:, -1:] - ordered[:, :1], -np.diff(ordered, axis=1)], 1)
    order = np.concatenate([[0], np.arange(d, 0, -1)])
    shares = shares[:, order]
    corner = np.arange(d + 1)[None, :, None]
    corners = nearest[:, None, :d] + np.where(rank[:, None, :d] <= d - corner, corner, corner - (d + 1))
    return corners, shares


def _normalised(filtered: Callable[[np.ndarray], np.ndarray], number: int) -> Callable[[np.ndarray], np.ndarray]:
    """A filter K as D^−½ K D^−½, D its row sums."""
    roots = 1 / np.sqrt(filtered(np.ones((number, 1), np.float32)) + 1e-20)
    return lambda values: roots * filtered(roots * values)


def dense_crf(image: np.ndarray, log_probabilities: np.ndarray, settings: CRFSettings | None = None) -> np.ndarray:
    """Probabilities of classes that agree with those of like pixels.

    Args:
        image: (H, W, 3) uint8; the order of the channels does not matter.
        log_probabilities: (K, H, W), up to a constant for each pixel.
        settings: see :class:`CRFSettings`.

    Returns:
        (K, H, W) float32 that add up to 1.

    Raises:
        InputError: the image and the probabilities differ in size.

    Example:
        >>> image = np.repeat(np.array([[0, 0, 0, 200]], np.uint8)[..., None], 3, axis=2)
        >>> one = np.array([[0.6, 0.9, 0.4, 0.1]])  # the third pixel goes with those of its colour
        >>> dense_crf(image, np.log([one, 1 - one])).argmax(0).tolist()
        [[0, 0, 0, 1]]
    """
    settings = settings or CRFSettings()
    classes, height, width = log_probabilities.shape
    if image.shape[:2] != (height, width):
        raise InputError(f'dense_crf: the image is of size {image.shape[:2]}, the probabilities of {(height, width)}')
    unary = np.log(np.maximum(_softmax(log_probabilities.reshape(classes, -1).T.astype(np.float32)), LEAST))
    rows, columns = np.indices((height, width))
    places = np.stack([columns, rows], -1).reshape(-1, 2)
    reach = int(np.ceil(REACH * settings.near_deviation))
    kernel = np.exp(-np.square(np.arange(-reach, reach + 1) / settings.near_deviation) / 2)

    def near(values: np.ndarray) -> np.ndarray:
        planes = [cv2.sepFilter2D(np.ascontiguousarray(plane).reshape(height, width), -1, kernel, kernel,
                                  borderType=cv2.BORDER_CONSTANT).ravel() for plane in values.T]
        return np.stack(planes, 1)

    messages = []
    if settings.near_weight:
        messages.append((settings.near_weight, _normalised(near, len(places))))
    if settings.far_weight:
        lattice = Lattice(np.concatenate([places / settings.far_deviation,
                                          image.reshape(-1, 3) / settings.colour_deviation], 1))
        messages.append((settings.far_weight, _normalised(lattice, len(places))))
    found = _softmax(unary)
    for _ in range(settings.iterations):
        found = _softmax(unary + sum(weight * message(found) for weight, message in messages))
    return found.T.reshape(classes, height, width)


def _softmax(values: np.ndarray) -> np.ndarray:
    """Of every row."""
    powers = np.exp(values - values.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
