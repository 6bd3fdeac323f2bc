"""Depth regions: image and disparity in, connected regions out (Zeng et al., BMVC 2022)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mmdepthcp.geometry.cameras import check_intrinsics
from mmdepthcp.geometry.points import back_project

from .clustering import COMMUNITIES, agglomerate, by_first, cluster_hierarchy
from .graph import (
    DEFAULT_WEIGHTS,
    FORMULAS,
    PAPER_PLAIN_WEIGHTS,
    PAPER_WEIGHTS,
    EdgeWeights,
    SuperpixelAttributes,
    adjacent_pairs,
    edge_terms,
    sigmoid,
    standardise,
    superpixel_attributes,
    unique_pairs,
)
from .learnt import EdgeModel, pool_features
from .superpixels import slic

METHODS = ('agglomerative', *COMMUNITIES)
KITTI_INTRINSICS = np.array([[0.58, 0, 0.5], [0, 1.92, 0.5], [0, 0, 1]])
"""The average of KITTI's cameras, which Zeng et al. take for all images."""


@dataclass(frozen=True)
class GroupingParams:
    """Settings of `group_regions`; see also `PRESETS`.

    Attributes:
        num_superpixels: wanted number of superpixels in an image.
        superpixel_area: smallest mean area of superpixels in pixels, which limits their number in small images;
            with a large ``num_superpixels`` it sets their size whatever the size of the image.
        compactness: of superpixels, see `slic`.
        sigma: smoothing before the superpixels, in pixels.
        iterations: of SLIC.
        depth_contrast: CIELAB units that a depth ratio of e counts for in the superpixels; 0 leaves depth out.
        formula: 'scale_free' or 'paper', see `edge_terms`; 'learnt': the former, and what features tell.
        weights: of the edge terms (colour, depth, support, bias).
        feature_weight: of what features tell in 'learnt'; below 1, as they tend to err where depth and colour do.
        method: 'agglomerative' (see `agglomerate`), or communities of the map equation, bottom up, found by
            'louvain' or by 'infomap' (needs the package of that name); see `cluster_hierarchy`.
        threshold: mean edge weight from which on regions are apart ('agglomerative'), or below which one edge keeps a
            community open.
        max_regions: 'agglomerative' joins on until no more are left; None for any number.
        area_power: of 'agglomerative': larger uses up small regions earlier.
        min_area: regions smaller than this fraction of the image join the neighbour they are least apart from.
        seed: of 'louvain' and 'infomap'.
    """

    num_superpixels: int = 10000
    superpixel_area: float = 10.0
    compactness: float = 10.0
    sigma: float = 0.5
    iterations: int = 5
    depth_contrast: float = 30.0
    formula: str = 'scale_free'
    weights: EdgeWeights = DEFAULT_WEIGHTS
    feature_weight: float = 0.2
    method: str = 'agglomerative'
    threshold: float = 0.01
    max_regions: int | None = 120
    area_power: float = 1.0
    min_area: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, 'weights', EdgeWeights(*self.weights))
        for name, known in (('formula', FORMULAS), ('method', METHODS)):
            if getattr(self, name) not in known:
                raise ValueError(f'unknown {name} {getattr(self, name)!r}; known: {", ".join(known)}')
        for names, words, fits in _RULES:
            for name in names:
                if not fits(getattr(self, name)):
                    raise ValueError(f'{name} must be {words}, got {getattr(self, name)!r}')
        if not all(map(_is_number, self.weights)):
            raise ValueError(f'weights must be four finite numbers, got {tuple(self.weights)}')


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


_RULES: tuple[tuple[tuple[str, ...], str, Callable[[Any], bool]], ...] = (
    (('num_superpixels', 'iterations'), 'a whole number from 1 on', lambda value: _is_whole(value, 1)),
    (('max_regions',), 'a whole number from 1 on or None', lambda value: value is None or _is_whole(value, 1)),
    (('seed',), 'a whole number from 0 on', lambda value: _is_whole(value, 0)),
    (('superpixel_area',), 'a number from 1 on', lambda value: _is_number(value) and value >= 1),
    (('compactness',), 'a number above 0', lambda value: _is_number(value) and value > 0),
    (('sigma', 'depth_contrast', 'area_power', 'feature_weight'), 'a number from 0 on',
     lambda value: _is_number(value) and value >= 0),
    (('threshold',), 'a number in 0..1', lambda value: _is_number(value) and 0 <= value <= 1),
    (('min_area',), 'a fraction of the image in 0..1', lambda value: _is_number(value) and 0 <= value < 1),
)

_PAPER: dict[str, Any] = dict(
    superpixel_area=1.0, sigma=1.0, depth_contrast=0.0, formula='paper', method='louvain', threshold=0.2,
    max_regions=None)

PRESETS = {
    'default': GroupingParams(),
    'paper': GroupingParams(weights=PAPER_WEIGHTS, **_PAPER),
    'paper_plain': GroupingParams(weights=PAPER_PLAIN_WEIGHTS, **_PAPER),
}
"""Named settings: ours, and those of Zeng et al. with either of their weight sets."""


class SuperpixelGraph(NamedTuple):
    """What is grouped."""

    superpixels: np.ndarray
    """(H, W) int32, 0..R−1."""
    pairs: np.ndarray
    """(E, 2) int32, those that touch."""
    attributes: SuperpixelAttributes


def group_regions(
        image: np.ndarray,
        disparity: np.ndarray,
        intrinsics: np.ndarray,
        params: GroupingParams = PRESETS['default'],
        features: np.ndarray | None = None,
        edges: EdgeModel | None = None) -> np.ndarray:
    """Coherent depth regions of an image.

    Superpixels become the nodes of a graph, edges weigh how much depth, colour and support part them, and those
    that belong together are joined.

    Args:
        image: (H, W, 3) uint8 BGR.
        disparity: (H, W) in 0..1, larger is closer, any scale.
        intrinsics: normalised 3×3 (fx/W, fy/H, cx/W, cy/H).
        params: settings.
        features: (C, h, w) of the whole image, for ``formula='learnt'``.
        edges: what they say, for the same.

    Returns:
        (H, W) int32 ids 0..R−1 in raster order of their first pixel; every region is 4-connected.

    Raises:
        ValueError: sizes differ, disparity is not finite or nowhere positive, the image is no (H, W, 3) uint8 array,
            the intrinsics are those of no camera, or features are missing, of another kind, or not asked for.

    Example:
        >>> disparity = np.repeat([[0.1, 0.8]], 4, axis=1).repeat(8, axis=0)
        >>> regions = group_regions(np.zeros((8, 8, 3), np.uint8), disparity, KITTI_INTRINSICS)
        >>> regions[0].tolist()
        [0, 0, 0, 0, 1, 1, 1, 1]
    """
    if (params.formula == 'learnt') != (features is not None) or (features is None) != (edges is None):
        raise ValueError("formula='learnt' takes features and what is learnt about edges, other formulas do not")
    graph = superpixel_graph(image, disparity, intrinsics, params)
    vectors, bias = None, 0.
    if features is not None and edges is not None:
        if len(features) != edges.projection.shape[1]:
            raise ValueError(f'features have {len(features)} channels; edges were learnt from features with '
                             f'{edges.projection.shape[1]}')
        vectors = params.feature_weight * pool_features(graph.superpixels, features) @ edges.projection.T
        bias = params.feature_weight * edges.bias
    return join_superpixels(graph, params, vectors, bias)[graph.superpixels]


def superpixel_graph(
        image: np.ndarray,
        disparity: np.ndarray,
        intrinsics: np.ndarray,
        params: GroupingParams = PRESETS['default']) -> SuperpixelGraph:
    """The superpixels of an image, those that touch, and what is known of them; see `group_regions`."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f'the image must be uint8 of shape (H, W, 3), got {image.dtype} {image.shape}')
    if disparity.shape != image.shape[:2]:
        raise ValueError(
            f'the image is {image.shape[:2]}, the disparity {disparity.shape} (height, width); they must match')
    if not np.isfinite(disparity).all():
        raise ValueError('disparity holds values that are not finite')
    if not (disparity > 1e-6).any():
        raise ValueError('disparity is zero everywhere, so it holds no depth')
    points = back_project(disparity, check_intrinsics(intrinsics, 'intrinsics', inside=False))
    number = max(min(params.num_superpixels, int(disparity.size / params.superpixel_area)), 1)
    extra = np.float32(params.depth_contrast) * np.log(points[2]) if params.depth_contrast else None
    superpixels = slic(
        image, number, compactness=params.compactness, sigma=params.sigma, iterations=params.iterations, extra=extra)
    if params.formula == 'paper':
        points = standardise(points)
    return SuperpixelGraph(
        superpixels, adjacent_pairs(superpixels), superpixel_attributes(superpixels, image, points))


def join_superpixels(
        graph: SuperpixelGraph, params: GroupingParams, vectors: np.ndarray | None = None, bias: float = 0.,
        ) -> np.ndarray:
    """The region of every superpixel, (R,) int32, in order of their first superpixel.

    Args:
        graph: the superpixels.
        params: settings.
        vectors: (R, K) whose distance parts two superpixels, beside what depth, colour and support do.
        bias: of that.
    """
    pairs, attributes = graph.pairs, graph.attributes
    terms = edge_terms(attributes, pairs, params.weights, params.formula) + bias
    if vectors is not None:
        terms = terms + np.linalg.norm(vectors[pairs[:, 0]] - vectors[pairs[:, 1]], axis=1)
    weights = sigmoid(terms)
    if params.method == 'agglomerative':
        local = edge_terms(attributes, pairs, params.weights._replace(colour=0.0), params.formula) + bias
        groups = agglomerate(
            pairs, local, attributes.lab, attributes.area, colour=params.weights.colour, threshold=params.threshold,
            max_groups=params.max_regions, area_power=params.area_power, vectors=vectors)
    else:
        groups = cluster_hierarchy(
            pairs, weights, len(attributes.area), threshold=params.threshold, method=params.method, seed=params.seed)
        groups = split_disconnected(groups, pairs)
    return merge_small(groups, pairs, weights, attributes.area, params.min_area * graph.superpixels.size)


def split_disconnected(groups: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Split every group of nodes into its connected pieces; pieces are numbered in order of their first node.

    Args:
        groups: (N,) integers.
        pairs: (E, 2) edges between nodes.

    Example:
        >>> split_disconnected(np.array([0, 0, 1, 0]), np.array([[0, 1], [1, 2], [2, 3]])).tolist()
        [0, 0, 1, 2]
    """
    inner = pairs[groups[pairs[:, 0]] == groups[pairs[:, 1]]]
    return by_first(_connected(inner, len(groups)))[0]


def merge_small(
        groups: np.ndarray, pairs: np.ndarray, weights: np.ndarray, areas: np.ndarray, min_area: float) -> np.ndarray:
    """Join groups below ``min_area`` to the neighbouring group with the least mean edge weight, until none is left.

    Args:
        groups: (N,) group 0..G−1 of each node.
        pairs: (E, 2) edges between nodes.
        weights: (E,) edge weights.
        areas: (N,) of the nodes.
        min_area: in the unit of ``areas``.

    Returns:
        (N,) int32 groups in order of their first node.

    Example:
        >>> pairs, weights = np.array([[0, 1], [1, 2]]), np.array([0.9, 0.2])
        >>> merge_small(np.array([0, 1, 2]), pairs, weights, np.array([5, 1, 5]), 2).tolist()
        [0, 1, 1]
    """
    while True:
        number = int(groups.max()) + 1
        small = np.bincount(groups, areas, number) < min_area
        if number == 1 or not small.any():
            return groups
        borders, rows = unique_pairs(groups[pairs], number)
        if len(borders) == 0:
            return groups
        mean = np.bincount(rows[rows >= 0], weights[rows >= 0]) / np.bincount(rows[rows >= 0])
        source, target = np.concatenate([borders, borders[:, ::-1]]).T
        order = np.lexsort([target, np.tile(mean, 2), source])
        order = order[small[source[order]]]
        _, best = np.unique(source[order], return_index=True)
        links = np.stack([source[order][best], target[order][best]], axis=1)
        groups = by_first(_connected(links, number)[groups])[0]


def _connected(pairs: np.ndarray, number: int) -> np.ndarray:
    graph = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (number, number))
    return connected_components(graph, directed=False)[1]
