"""Pairs of cells of two views that belong together: near each other in space, and perhaps at one depth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from mmdepthcp.geometry.boxes import cell_centres, cell_distances
from mmdepthcp.utils.errors import InputError

LARGEST = 2**24
"""Numbers in a matrix of pairs of cells that are held at once."""
METRICS = ('abs', 'sq', 'log', 'rel')


@dataclass(frozen=True)
class DepthFilter:
    """Which pairs of cells are at one depth.

    Attributes:
        metric: see :func:`depth_difference`.
        threshold: a pair is left out whose difference is this or more.
        sigma: None: a pair stays or is left out. Else no threshold: it counts exp(−δ² / 2σ²).
        keep_unknown: whether pairs with a cell of unknown depth are kept.
        empty: what an image has all of whose pairs are left out: 'skip', none; 'spatial', those without the filter.
    """

    metric: str = 'log'
    threshold: float = 0.4
    sigma: float | None = None
    keep_unknown: bool = True
    empty: str = 'skip'

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InputError(f'depth_filter.metric {self.metric!r}: must be one of {METRICS}')
        if self.empty not in ('skip', 'spatial'):
            raise InputError(f"depth_filter.empty {self.empty!r}: must be 'skip' or 'spatial'")
        if not self.threshold > 0 or (self.sigma is not None and not self.sigma > 0):
            raise InputError(f'depth_filter: threshold {self.threshold} and sigma {self.sigma} must be above 0')

    def weights(self, one: Tensor, other: Tensor) -> Tensor:
        """What pairs of cells count, (..., P, Q) in 0..1, of disparity (..., P), (..., Q), NaN where unknown."""
        difference = depth_difference(one, other, self.metric)
        if self.sigma is None:
            weights = (difference < self.threshold).to(difference.dtype)
        else:
            weights = torch.exp(-difference.square() / (2 * self.sigma**2))
        return torch.where(difference.isnan(), float(self.keep_unknown), weights)


@dataclass(frozen=True)
class RandomFilter:
    """Leaves out pairs by chance, whatever their depth: a control that tells how much of what a :class:`DepthFilter`
    does comes of fewer pairs.

    Attributes:
        removed: share of the pairs that is left out at each distance, in 0..1.
    """

    removed: Sequence[float]
    empty = 'skip'

    def __post_init__(self) -> None:
        if not self.removed or not all(0 <= share < 1 for share in self.removed):
            raise InputError(f'depth_filter.removed {self.removed}: must be shares in 0..1, one for each distance')

    def weights(self, one: Tensor, other: Tensor) -> Tensor:
        """What pairs of cells count, (K, ..., P, Q), 0 or 1, of their centres (..., P, 2), (..., Q, 2): a pair of
        places has its own lot, a hash of both, so that it is drawn alike whenever it is asked for.
        """
        lots = [(centres.double() @ centres.new_tensor(direction).double()) for centres, direction
                in ((one, (12.9898, 78.233)), (other, (39.3467, 11.1351)))]
        lots = torch.sin(lots[0].unsqueeze(-1) + lots[1].unsqueeze(-2)).mul(43758.5453).frac().abs()
        return torch.stack([lots >= share for share in self.removed]).to(one.dtype)


def depth_difference(one: Tensor, other: Tensor, metric: str = 'log') -> Tensor:
    """How much disparity or depth of cells differs.

    Args:
        one, other: (..., P), (..., Q), above 0; NaN: unknown.
        metric: 'abs' ``|d − d'|``; 'sq' its square; 'log' ``|ln d − ln d'|``, 'rel' ``|d − d'| / max(d, d')``,
            which no common factor changes.

    Returns:
        (..., P, Q), NaN where one of the two is unknown.

    Example:
        >>> depth_difference(torch.tensor([2., 8]), torch.tensor([4.]), 'rel').tolist()
        [[0.5], [0.5]]
    """
    one, other = one.unsqueeze(-1), other.unsqueeze(-2)
    if metric == 'log':
        return (one.log() - other.log()).abs()
    difference = (one - other).abs()
    if metric == 'rel':
        return difference / torch.maximum(one, other)
    return difference.square() if metric == 'sq' else difference


@dataclass(frozen=True)
class CellPairs:
    """Which cells of two views belong together.

    Attributes:
        boxes: (B, 2, 4), see :mod:`mmdepthcp.geometry.boxes`.
        size: (h, w) cells of either view, P = h·w.
        thresholds: K distances, in diagonals of a cell of the coarser view; a pair is positive that is strictly nearer.
        disparity: (B, 2, P), NaN where unknown.
        depth_filter: None: distance alone decides.

    Raises:
        InputError: a random filter has not one share for each distance.
    """

    boxes: Tensor
    size: tuple[int, int]
    thresholds: Sequence[float] = (0.7,)
    disparity: Tensor | None = None
    depth_filter: DepthFilter | RandomFilter | None = None

    def __post_init__(self) -> None:
        if isinstance(self.depth_filter, RandomFilter) and len(self.depth_filter.removed) != len(self.thresholds):
            raise InputError(f'depth_filter.removed {self.depth_filter.removed}: must be as many shares as there are '
                             f'distances, {self.thresholds}')

    def rows_at_once(self, largest: int = LARGEST) -> Iterator[slice]:
        """Slices of the first view's cells, so that a matrix of their pairs has at most ``largest`` numbers, but for
        one row.
        """
        cells = math.prod(self.size)
        step = max(1, largest // (len(self.boxes) * cells * len(self.thresholds)))
        return (slice(start, min(start + step, cells)) for start in range(0, cells, step))

    @torch.no_grad()
    def near_and_kept(self, rows: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Weights (K, B, R, P) of pairs of R cells of the first view and all of the second: by distance alone, 0 or 1,
        and with the filter, in 0..1.
        """
        distances = cell_distances(self.boxes[:, 0], self.boxes[:, 1], self.size, rows)
        near = torch.stack([distances < threshold for threshold in self.thresholds]).to(self.boxes.dtype)
        if isinstance(self.depth_filter, RandomFilter):
            one, other = (cell_centres(self.boxes[:, view], self.size) for view in (0, 1))
            return near, near * self.depth_filter.weights(one[:, rows], other)
        if self.depth_filter is None or self.disparity is None:
            return near, near
        return near, near * self.depth_filter.weights(self.disparity[:, 0, rows], self.disparity[:, 1])


class PairCounts(NamedTuple):
    """Positive pairs of each image at each distance, (K, B): near ones, and those that depth leaves."""

    near: Tensor
    kept: Tensor


def count_pairs(pairs: CellPairs, largest: int = LARGEST) -> PairCounts:
    """See :class:`PairCounts`; of a soft filter the sum of weights."""
    counted = [[part.sum((2, 3)) for part in pairs.near_and_kept(rows)] for rows in pairs.rows_at_once(largest)]
    near, kept = (torch.stack(parts).sum(0) for parts in zip(*counted, strict=True))
    return PairCounts(near, kept)
