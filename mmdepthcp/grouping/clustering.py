"""How superpixels become regions: greedy joining, or communities by the map equation, bottom up.

Map equation: Rosvall and Bergstrom, PNAS 2008; bottom-up grouping: Zeng et al., BMVC 2022.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
from numba import njit

from .graph import unique_pairs
from .superpixels import find_root


def agglomerate(
        pairs: np.ndarray,
        local: np.ndarray,
        lab: np.ndarray,
        areas: np.ndarray,
        *,
        colour: float = 0.2,
        threshold: float = 0.01,
        max_groups: int | None = None,
        area_power: float = 1.0,
        vectors: np.ndarray | None = None) -> np.ndarray:
    """Join neighbouring groups one pair at a time, the cheapest first, as in Ward's method.

    What parts two groups is w = sigmoid(colour · distance of their mean colours + distance of their mean ``vectors`` +
    mean of ``local`` along their border); joining them costs w·(A_i·A_j / (A_i + A_j))^``area_power``. Depth and
    support count where two groups touch, for a surface may run far into the picture; colour and vectors count over
    whole groups, so that they do not leak through a blurred edge. Joining goes on while there are more than
    ``max_groups`` groups, and then among those with w below ``threshold``.

    Args:
        pairs: (E, 2) integers in 0..N−1, i ≠ j, every pair once.
        local: (E,) terms of the edges, all but colour.
        lab: (N, 3) mean colours of the nodes.
        areas: (N,) positive, of the nodes.
        colour: factor of the distance of mean colours.
        threshold: w from which on groups are apart.
        max_groups: how many groups may be left, None for any number; parts that no edge connects stay apart.
        area_power: larger uses up small groups earlier; 1 is Ward's method.
        vectors: (N, K) of the nodes, which count as colours do; None for none.

    Returns:
        (N,) int32 groups 0..G−1 in order of their first node; each is connected.

    Example:
        >>> pairs, grey = np.array([[0, 1], [1, 2]]), np.full((3, 3), 50.0)
        >>> agglomerate(pairs, np.array([-5.0, 4.0]), grey, np.ones(3), threshold=0.1).tolist()
        [0, 0, 1]
    """
    limit = len(areas) if max_groups is None else max_groups
    looks = np.asarray(lab, np.float64)
    if vectors is not None:
        looks = np.concatenate([looks, vectors], axis=1)
    roots = _join_cheapest(
        np.ascontiguousarray(pairs, np.int32), np.asarray(local, np.float64), looks, np.asarray(areas, np.float64),
        colour, threshold, limit, area_power)
    return by_first(roots)[0]


@njit(cache=True)
def _apart(local, colour, one, other):
    """sigmoid(local + colour · distance of two CIELAB colours + distance of the vectors behind them)."""
    distance = ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2) ** 0.5
    further = 0.0
    for place in range(3, len(one)):
        further += (one[place] - other[place]) ** 2
    return 1 / (1 + np.exp(-(local + colour * distance + further ** 0.5)))


@njit(cache=True)
def _join_cheapest(pairs, local, looks, areas, colour, threshold, limit, power):
    """(N,) one node of its group for every node; see `agglomerate`.

    Half-edge 2e + side is the end of edge e at node ends[e, side]; the half-edges of a group form a linked list.
    All edges of a joined group go onto the heap anew; an entry whose stamp is not the edge's last one is out of date.
    """
    number, edges = len(areas), len(pairs)
    ends, sums, counts = pairs.copy(), local.copy(), np.ones(edges)
    looks, areas = looks.copy(), areas.copy()
    gone, stamps = np.zeros(edges, np.bool_), np.zeros(edges, np.int64)
    first, following = np.full(number, -1, np.int32), np.empty(2 * edges, np.int32)
    for half in range(2 * edges):
        node = ends[half // 2, half % 2]
        following[half] = first[node]
        first[node] = half
    parents = np.arange(number).astype(np.int32)
    edge_to = np.full(number, -1, np.int32)
    heap = [(0.0, np.int64(0), np.int64(0)) for _ in range(0)]
    for index in range(edges):
        one, other = ends[index, 0], ends[index, 1]
        apart = _apart(sums[index], colour, looks[one], looks[other])
        cost = apart * (areas[one] * areas[other] / (areas[one] + areas[other])) ** power
        heap.append((cost, np.int64(index), stamps[index]))
    heapq.heapify(heap)
    left = number
    while len(heap) > 0:
        _, edge, stamp = heapq.heappop(heap)
        if gone[edge] or stamp != stamps[edge]:
            continue
        kept, joined = ends[edge, 0], ends[edge, 1]
        if left <= limit and _apart(sums[edge] / counts[edge], colour, looks[kept], looks[joined]) >= threshold:
            continue
        if areas[kept] < areas[joined]:
            kept, joined = joined, kept
        gone[edge] = True
        parents[joined] = kept
        looks[kept] = (areas[kept] * looks[kept] + areas[joined] * looks[joined]) / (areas[kept] + areas[joined])
        areas[kept] += areas[joined]
        left -= 1
        before, half = np.int32(-1), first[kept]
        while half >= 0:
            if not gone[half // 2]:
                edge_to[ends[half // 2, 1 - half % 2]] = half // 2
                before = half
            elif before < 0:
                first[kept] = following[half]
            else:
                following[before] = following[half]
            half = following[half]
        half = first[joined]
        while half >= 0:
            after, own, side = following[half], half // 2, half % 2
            if not gone[own]:
                shared = edge_to[ends[own, 1 - side]]
                if shared < 0:
                    ends[own, side] = kept
                    following[half] = first[kept]
                    first[kept] = half
                else:
                    gone[own] = True
                    sums[shared] += sums[own]
                    counts[shared] += counts[own]
            half = after
        half = first[kept]
        while half >= 0:
            edge = half // 2
            if not gone[edge]:
                other = ends[edge, 1 - half % 2]
                edge_to[other] = -1
                stamps[edge] += 1
                apart = _apart(sums[edge] / counts[edge], colour, looks[kept], looks[other])
                cost = apart * (areas[kept] * areas[other] / (areas[kept] + areas[other])) ** power
                heapq.heappush(heap, (cost, np.int64(edge), stamps[edge]))
            half = following[half]
    roots = np.empty(number, np.int32)
    for node in range(number):
        roots[node] = find_root(parents, node)
    return roots


def louvain_map_equation(pairs: np.ndarray, links: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    """Two-level communities of an undirected graph that shorten the map equation, by networkit's Louvain method.

    The random walk has no teleportation, so a node's visit rate is its share of link weight. networkit's generator of
    random numbers is seeded anew, so that the same call gives the same result.

    Args:
        pairs: (E, 2) integers in 0..number−1, i ≠ j, every pair once.
        links: (E,) positive link weights.
        number: of nodes.
        seed: of the order in which nodes move.

    Returns:
        (number,) int32 communities 0..C−1 in order of their first node.
    """
    import networkit

    if len(pairs) == 0:
        return np.arange(number, dtype=np.int32)
    networkit.setSeed(seed, False)
    ends = pairs.astype(np.int64)
    graph = networkit.GraphFromCoo(
        (np.asarray(links, np.float64), (ends[:, 0], ends[:, 1])), number, weighted=True, directed=False)
    search = networkit.community.LouvainMapEquation(graph, True, parallelizationStrategy='none')
    search.run()
    return by_first(np.array(search.getPartition().getVector()))[0]


def map_equation(pairs: np.ndarray, links: np.ndarray, community: np.ndarray) -> float:
    """Code length in bits of the two-level map equation (no teleportation) of communities of an undirected graph.

    Example:
        >>> chain = np.array([[0, 1], [1, 2], [2, 3]])
        >>> round(map_equation(chain, np.array([1, 0.5, 1]), np.array([0, 0, 1, 1])), 3)
        1.951
    """
    share = np.asarray(links, np.float64) / (2 * np.sum(links, dtype=np.float64))
    flow = np.bincount(pairs.ravel(), np.repeat(share, 2), len(community))
    leaves = community[pairs[:, 0]] != community[pairs[:, 1]]
    exit_flow = np.bincount(community[pairs[leaves]].ravel(), np.repeat(share[leaves], 2), community.max() + 1)
    inside = np.bincount(community, flow)

    def plogp(p: np.ndarray) -> float:
        return float(np.sum(p[p > 0] * np.log2(p[p > 0])))

    return plogp(exit_flow.sum(keepdims=True)) - 2 * plogp(exit_flow) + plogp(exit_flow + inside) - plogp(flow)


def infomap(pairs: np.ndarray, links: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    """The same as `louvain_map_equation` by the original Infomap (package ``infomap``, GPL-3, not installed by
    default).

    Raises:
        ModuleNotFoundError: the package is missing.
    """
    from infomap import Infomap

    if len(pairs) == 0:
        return np.arange(number, dtype=np.int32)
    search = Infomap(two_level=True, silent=True, teleportation_probability=0, seed=seed + 1)
    search.add_links([(int(i), int(j), float(link)) for (i, j), link in zip(pairs, links, strict=True)])
    search.run()
    community = np.arange(number, dtype=np.int64) + number
    for node, module in search.get_modules().items():
        community[node] = module
    return by_first(community)[0]


COMMUNITIES: dict[str, Callable[..., np.ndarray]] = {'louvain': louvain_map_equation, 'infomap': infomap}


def cluster_hierarchy(
        pairs: np.ndarray,
        weights: np.ndarray,
        number: int,
        *,
        threshold: float = 0.2,
        method: str = 'louvain',
        seed: int = 0) -> np.ndarray:
    """Group nodes bottom up until no edge between two groups is below ``threshold``, or communities join no more.

    Each round looks for the communities of the graph with link weight 1 / edge weight, in the first round of all
    nodes. A community none of whose outgoing edges is below ``threshold`` is finished and leaves with its edges; the
    others become the nodes of the next round, joined by the mean weight of all edges between them. It ends when none
    is left, or when a round neither joins nor finishes anything.

    Args:
        pairs: (E, 2) integers in 0..number−1, i < j, every pair once.
        weights: (E,) edge weights in (0, 1], small where nodes belong together.
        number: of nodes.
        threshold: one outgoing edge below it keeps a community open.
        method: a key of `COMMUNITIES`.
        seed: of the clustering.

    Returns:
        (number,) int32 groups 0..G−1 in order of their first node.

    Example:
        >>> triangle = np.array([[0, 1], [0, 2], [1, 2]])
        >>> cluster_hierarchy(triangle, np.full(3, 0.25), 3).tolist()
        [0, 0, 0]
        >>> chain = np.array([[0, 1], [1, 2], [2, 3]])
        >>> cluster_hierarchy(chain, np.array([0.02, 0.3, 0.02]), 4).tolist()
        [0, 0, 1, 1]
    """
    if method not in COMMUNITIES:
        raise ValueError(f'unknown clustering method {method!r}; known: {", ".join(COMMUNITIES)}')
    find_communities = COMMUNITIES[method]
    group: np.ndarray = np.arange(number, dtype=np.int64)
    sums: np.ndarray = np.asarray(weights, np.float64)
    counts: np.ndarray = np.ones(len(pairs))
    nodes: np.ndarray = np.arange(number)  # ids of the groups still open; ``pairs`` index into it
    total = number
    while len(nodes):
        community = find_communities(pairs, counts / sums, len(nodes), seed=seed)
        joined = int(community.max()) + 1
        ends = community[pairs]
        leaves = ends[:, 0] != ends[:, 1]
        smallest = np.full(joined, np.inf)
        np.minimum.at(smallest, ends[leaves].ravel(), np.repeat((sums / counts)[leaves], 2))
        is_open = smallest < threshold
        if joined == len(nodes) and is_open.all():
            break
        target = np.arange(total)
        target[nodes] = total + community
        group = target[group]
        nodes, total = total + np.flatnonzero(is_open), total + joined
        renumber = np.cumsum(is_open) - 1
        kept = leaves & is_open[ends].all(axis=1)
        pairs, rows = unique_pairs(renumber[ends[kept]], len(nodes))
        sums = np.bincount(rows, sums[kept], len(pairs))
        counts = np.bincount(rows, counts[kept], len(pairs))
    return by_first(group)[0]


def by_first(ids: np.ndarray) -> tuple[np.ndarray, int]:
    """Renumber ids 0..n−1 in order of their first place; and n.

    Example:
        >>> ids, count = by_first(np.array([7, 3, 7, 9]))
        >>> ids.tolist(), count
        ([0, 1, 0, 2], 3)
    """
    _, first, place = np.unique(ids, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[place], len(first)
