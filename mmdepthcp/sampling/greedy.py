"""Which images of a set to label: far from those that are chosen, and difficult (Hoyer et al., "Three Ways to Improve
Semantic Segmentation with Self-Supervised Depth Estimation", CVPR 2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from mmdepthcp.utils.errors import InputError


@njit(cache=True, nogil=True, fastmath={'reassoc', 'contract'})
def _distance(features, one, other):
    total = np.float32(0)
    for axis in range(features.shape[1]):
        difference = features[one, axis] - features[other, axis]
        total += difference * difference
    return np.sqrt(np.float64(total))


@njit(cache=True, nogil=True)
def _choose(features, bias, centres, first, taken, distances):
    """Fill ``centres[first:]``, and ``distances``, which belong to these.

    ``nearest[j]`` is the distance to the nearest of the centres that j was compared with, ``seen[j]`` of them: an upper
    bound. An item is compared with the others only while its bound could still win.
    """
    number = len(features)
    nearest = np.full(number, np.inf)
    seen = np.zeros(number, np.int64)
    for place in range(first, len(centres)):
        best = -1
        for item in range(number):  # a likely winner first, so that few others have to be looked at
            if not taken[item] and (best < 0 or nearest[item] + bias[item] > nearest[best] + bias[best]):
                best = item
        for centre in range(seen[best], place):
            nearest[best] = min(nearest[best], _distance(features, best, centres[centre]))
        seen[best] = place
        score = nearest[best] + bias[best]
        for item in range(number):
            if taken[item] or item == best:
                continue
            while True:
                bound = nearest[item] + bias[item]
                if bound < score or (bound == score and item > best):
                    break
                if seen[item] == place:
                    best, score = item, bound
                    break
                nearest[item] = min(nearest[item], _distance(features, item, centres[seen[item]]))
                seen[item] += 1
        taken[best] = True
        centres[place] = best
        distances[place - first] = nearest[best]


def greedy_selection(features: np.ndarray, count: int, start: Sequence[int], bias: np.ndarray | None = None
                     ) -> tuple[np.ndarray, np.ndarray]:
    """The images that lie farthest from all chosen ones, one after the other: next comes the image j, not yet chosen,
    with the largest min over the chosen i of ‖f_i − f_j‖ + bias_j; of equal ones that with the lowest index.

    Beside the features, which may lie in a mapped file, memory is that of a few numbers for each image; time grows
    linearly with their number.

    Args:
        features: (N, D) float32, finite.
        count: how many to choose.
        start: indices of the images that count as chosen before, at least one.
        bias: (N,) what is added to the distance of each, λ_E · E; None: nothing.

    Returns:
        Indices (count,) int64 in the order of choice, and for each its distance to those chosen before, (count,)
        float64, without the bias.

    Raises:
        InputError: no image counts as chosen, there are not so many others, or numbers are not finite.

    Example:
        >>> points = np.array([[0, 0], [1, 0], [4, 0], [4, 3], [0, 3.5]], np.float32)
        >>> chosen, distances = greedy_selection(points, 2, [0])
        >>> chosen.tolist(), distances.tolist()
        ([3, 4], [5.0, 3.5])
    """
    number, start = len(features), list(dict.fromkeys(start))
    if not start:
        raise InputError('no image counts as chosen; begin with one')
    if count > number - len(start):
        raise InputError(f'{count} of {number - len(start)} images cannot be chosen')
    weights = np.zeros(number) if bias is None else np.asarray(bias, np.float64)
    if not (np.isfinite(weights).all() and np.isfinite(features.sum(1)).all()):
        raise InputError('features or errors are not finite')
    taken = np.zeros(number, np.bool_)
    taken[start] = True
    centres = np.array([*start, *[-1] * count], np.int64)
    distances = np.empty(count)
    _choose(np.ascontiguousarray(features, np.float32), weights, centres, len(start), taken, distances)
    return centres[len(start):], distances


def largest_first(scores: np.ndarray, count: int, start: Sequence[int] = ()) -> np.ndarray:
    """Indices (count,) of the largest of N scores, without those of ``start``; of equal ones the lowest index first.

    Raises:
        InputError: there are not so many others.

    Example:
        >>> largest_first(np.array([0, .0035, .001, 0, .002]), 4, [0]).tolist()
        [1, 4, 2, 3]
    """
    order = np.argsort(-np.asarray(scores), kind='stable')
    left = order[~np.isin(order, start)]
    if count > len(left):
        raise InputError(f'{count} of {len(left)} images cannot be chosen')
    return left[:count]
