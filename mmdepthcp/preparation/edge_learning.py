"""Learning from an image tree, without labels, which superpixels belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmdepthcp.grouping import (
    EdgeFit,
    GroupingParams,
    agreement,
    join_superpixels,
    learn_edges,
    pool_features,
    superpixel_graph,
)
from mmdepthcp.preparation.edge_models import read_features
from mmdepthcp.preparation.region_grouping import RegionGrouper
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.trees import track

FACTORS = ((1, 1, 1), (2, 1, 1), (.5, 1, 1), (1, 2, 1), (1, .5, 1), (1, 1, 2), (1, 1, .5))
"""Of the weights of colour and depth and of the number of regions, in the groupings that have to agree."""
CERTAIN = 0.8
"""Share of the groupings from which on they agree."""
PAIRS_OF_IMAGE = 400
"""Examples from one image at the most."""
HELD_BACK = 4
"""Every so many-th image tells how good it is."""


class EdgesLearnt(NamedTuple):
    """What was learnt, and from what."""

    fit: EdgeFit
    images: int
    pairs: int
    """All that touch."""
    together: float
    """Share of them that the groupings agree to join."""
    parted: float
    """Share of them that they agree to part."""


def varied(params: GroupingParams) -> Iterator[GroupingParams]:
    """The settings whose groupings have to agree."""
    for colour, depth, number in FACTORS:
        weights = params.weights._replace(colour=colour * params.weights.colour, depth=depth * params.weights.depth)
        regions = None if params.max_regions is None else max(1, round(number * params.max_regions))
        yield replace(params, weights=weights, max_regions=regions)


def learn_from_tree(grouper: RegionGrouper, names: Sequence[Path], features: Path, seed: int = 0,
                    progress: bool = True) -> EdgesLearnt:
    """Learn from images which differences of features part superpixels.

    Each image is grouped with seven settings (:data:`FACTORS`). Pairs of superpixels that touch and are in one region
    in at least 80 % of these groupings count as belonging together, those that are in at most 20 % as parted. Of each
    image up to 400 are drawn, as many of either kind where there are enough.

    Args:
        grouper: knows the images, their disparity and the settings that are varied.
        names: of the images, relative to its root.
        features: folder of their features.
        seed: of the draws.
        progress: show a bar.

    Raises:
        InputError: a file is missing or unusable, features differ in their channels, or there are too few examples.
    """
    rng = np.random.default_rng(seed)
    vectors: list[np.ndarray] = []
    pairs, parted, held_back = [], [], []
    start = touching = joined = cut = 0
    for place, name in enumerate(track(names) if progress else names):
        image, disparity, intrinsics = grouper.load(name)
        try:
            graph = superpixel_graph(image, disparity, intrinsics, grouper.params)
        except ValueError as error:
            raise InputError(f'{grouper.image_root / name}: {error}') from error
        share = agreement([join_superpixels(graph, params) for params in varied(grouper.params)], graph.pairs)
        kinds = [np.flatnonzero(share >= CERTAIN), np.flatnonzero(share <= 1 - CERTAIN)]
        touching, joined, cut = touching + len(share), joined + len(kinds[0]), cut + len(kinds[1])
        drawn = [rng.permutation(kind)[:PAIRS_OF_IMAGE // 2] for kind in kinds]
        path = features / name.with_suffix('.npy')
        found = pool_features(graph.superpixels, read_features(path))
        if vectors and found.shape[1] != vectors[0].shape[1]:
            raise InputError(f'{path}: features have {found.shape[1]} channels, those of images before '
                             f'{vectors[0].shape[1]}; write all by one checkpoint and layer')
        nodes, ends = np.unique(graph.pairs[np.concatenate(drawn)], return_inverse=True)
        vectors.append(found[nodes])
        pairs.append(ends.reshape(-1, 2) + start)
        parted.append(np.repeat([False, True], [len(kind) for kind in drawn]))
        held_back.append(np.full(len(parted[-1]), place % HELD_BACK == HELD_BACK - 1))
        start += len(nodes)
    if not vectors:
        raise InputError(f'{grouper.image_root}: no image to learn from')
    try:
        fit = learn_edges(*(np.concatenate(parts) for parts in (vectors, pairs, parted, held_back)))
    except ValueError as error:
        raise InputError(f'{grouper.image_root}: {error}; give more images, or other --params') from error
    return EdgesLearnt(fit, len(names), touching, joined / touching, cut / touching)
