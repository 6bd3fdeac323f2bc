"""Depth regions in the plainest way: loops over superpixels and edges, skimage's SLIC, networkit's communities.

The oracle of the tests, and what the benchmark compares with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

Edges = dict[tuple[int, int], float]


def ordered(i: int, j: int) -> tuple[int, int]:
    return min(i, j), max(i, j)


def plain_superpixels(
        image: np.ndarray, number: int = 10000, compactness: float = 10.0, sigma: float = 1.0) -> np.ndarray:
    from skimage.segmentation import slic

    return slic(image[..., ::-1], number, compactness=compactness, sigma=sigma, start_label=0)


def plain_points(disparity: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(H, W, 3) points, y up."""
    height, width = disparity.shape
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing='ij')
    image_points = np.stack([(columns + 0.5) / width, (rows + 0.5) / height, np.ones((height, width))])
    rays = np.einsum('ij,jyx->yxi', np.linalg.inv(intrinsics), image_points)
    return rays * [1, -1, 1] / np.maximum(disparity.astype(np.float64), 0.005)[..., None]


def standardised(points: np.ndarray) -> np.ndarray:
    """Each channel divided by its standard deviation unless that is zero."""
    points = points.copy()
    for axis in range(3):
        deviation = np.std(points[..., axis])
        if deviation > 1e-6 * np.abs(points[..., axis]).max():
            points[..., axis] /= deviation
    return points


def plain_pairs(labels: np.ndarray) -> list[tuple[int, int]]:
    touching = set()
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            for there in ((y, x + 1), (y + 1, x)):
                if there[0] < height and there[1] < width and labels[y, x] != labels[there]:
                    touching.add(ordered(int(labels[y, x]), int(labels[there])))
    return sorted(touching)


def plain_attributes(labels: np.ndarray, image: np.ndarray, points: np.ndarray) -> list[dict]:
    """Per superpixel: area, centre, lab, normal."""
    from skimage.color import rgb2lab

    down, right = (np.gradient(points, axis=axis) / points[..., 2:] for axis in (0, 1))
    attributes = []
    order = np.argsort(labels.ravel(), kind='stable')
    for pixels in np.split(order, np.cumsum(np.bincount(labels.ravel()))[:-1]):
        inside = np.unravel_index(pixels, labels.shape)
        normal = np.cross(right[inside].mean(axis=0), down[inside].mean(axis=0))
        length = math.sqrt(float(normal @ normal))
        attributes.append(dict(
            area=len(pixels),
            centre=points[inside].mean(axis=0),
            lab=rgb2lab(image[inside].mean(axis=0)[None, None, ::-1] / 255)[0, 0],
            normal=normal / length if length > 0 else np.zeros(3)))
    return attributes


def plain_terms(one: dict, other: dict, colour: float, depth: float, support: float, bias: float, paper: bool) -> float:
    low, high = sorted((one, other), key=lambda end: end['centre'][1])
    height = (low['centre'][1] + high['centre'][1]) / 2
    z_low, z_high = low['centre'][2], high['centre'][2]
    d_space = (math.dist(low['centre'], high['centre']) if paper else abs(z_low - z_high)) / (z_low + z_high)
    d_colour = math.dist(low['lab'], high['lab']) * (max(height, 0) if paper else 1)
    d_support = 0.0
    if height < 0:
        up_low, up_high = low['normal'][1], high['normal'][1]
        d_support = max(up_low, 0) * max(up_low - up_high, 0) * (height ** 2 if paper else 1)
    return colour * d_colour + depth * d_space + support * d_support + bias


def plain_sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-min(value, 700)))


def plain_communities(edges: Edges, nodes: Iterable[int]) -> dict[int, int]:
    """Communities by networkit's Louvain search on the map equation, link weight 1 / edge weight."""
    import networkit

    networkit.setNumberOfThreads(1)
    networkit.setSeed(0, False)
    place = {node: index for index, node in enumerate(nodes)}
    graph = networkit.Graph(len(place), weighted=True)
    for (one, other), weight in edges.items():
        graph.addEdge(place[one], place[other], 1 / weight)
    search = networkit.community.LouvainMapEquation(graph, True, 32, 'none')
    search.run()
    found = search.getPartition()
    return {node: found.subsetOf(index) for node, index in place.items()}


def plain_hierarchy(
        weights: Edges, nodes: Iterable[int], threshold: float = 0.2,
        communities: Callable[[Edges, Iterable[int]], dict[int, int]] = plain_communities) -> list[set[int]]:
    """Groups of nodes, bottom up; every group open for joining is a frozen set of first nodes."""
    still = [frozenset([node]) for node in nodes]
    finished = []
    while still:
        owner = {node: index for index, group in enumerate(still) for node in group}
        between: dict[tuple[int, int], list[float]] = {}
        for (i, j), weight in weights.items():
            if i in owner and j in owner and owner[i] != owner[j]:
                between.setdefault(ordered(owner[i], owner[j]), []).append(weight)
        edges = {pair: sum(values) / len(values) for pair, values in between.items()}
        found = communities(edges, range(len(still)))
        joined: dict[int, frozenset] = {}
        for index, group in enumerate(still):
            joined[found[index]] = joined.get(found[index], frozenset()) | group
        near = {found[index] for (i, j), weight in edges.items() if weight < threshold and found[i] != found[j]
                for index in (i, j)}
        if len(joined) == len(still) == len(near):
            finished += still
            break
        finished += [group for name, group in joined.items() if name not in near]
        still = [group for name, group in joined.items() if name in near]
    return [set(group) for group in finished]


def plain_agglomerate(
        local: Edges, lab: np.ndarray, areas: Iterable[float], colour: float, threshold: float,
        max_groups: int | None, area_power: float = 1.0) -> list[set[int]]:
    """Join the cheapest pair of groups, one at a time, everything worked out anew each time."""
    areas = list(areas)
    groups = [{node} for node in range(len(areas))]
    while True:
        owner = {node: index for index, group in enumerate(groups) for node in group}
        between: dict[tuple[int, int], list[float]] = {}
        for (i, j), value in local.items():
            if owner[i] != owner[j]:
                between.setdefault(ordered(owner[i], owner[j]), []).append(value)
        sizes = [sum(areas[node] for node in group) for group in groups]
        means = [sum(areas[node] * lab[node] for node in group) / size
                 for group, size in zip(groups, sizes, strict=True)]
        costs = []
        for (i, j), values in between.items():
            apart = plain_sigmoid(sum(values) / len(values) + colour * math.dist(means[i], means[j]))
            if apart < threshold or (max_groups is not None and len(groups) > max_groups):
                costs.append((apart * (sizes[i] * sizes[j] / (sizes[i] + sizes[j])) ** area_power, i, j))
        if not costs:
            return groups
        _, i, j = min(costs)
        groups[i] |= groups.pop(j)


def plain_group_regions(
        image: np.ndarray, disparity: np.ndarray, intrinsics: np.ndarray, number: int = 10000,
        weights: tuple[float, float, float, float] = (0.006, 36, 2.5, -4)) -> np.ndarray:
    """(H, W) region ids with the paper's formulas and networkit's communities."""
    labels = plain_superpixels(image, number)
    attributes = plain_attributes(labels, image, standardised(plain_points(disparity, intrinsics)))
    edges = {(i, j): plain_sigmoid(plain_terms(attributes[i], attributes[j], *weights, paper=True))
             for i, j in plain_pairs(labels)}
    region_of = np.zeros(labels.max() + 1, np.int32)
    for index, group in enumerate(plain_hierarchy(edges, range(labels.max() + 1))):
        region_of[list(group)] = index
    return region_of[labels]
